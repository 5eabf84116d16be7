"""Reads entries of Redis, and judges them by the clock before they are used."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from . import stats
from .catching_up import reach
from .clock import ALL, Verdict, judge
from .codec import Unreadable
from .entry import Entry, decode
from .layers import Levels, now
from .lookup import Lookup, note_held
from .shared_layer import as_clock, as_stamps
from .steps import Ask, Flow

logger = logging.getLogger("twopass.datacache")


def look_in_redis(lookup: Lookup, keys: list[str]) -> Flow:
    levels = lookup.levels
    if levels.has_pending and not levels.deliver():
        return  # what it holds may be what we have invalidated
    answers = yield Ask(levels.commands.read(keys))
    if answers is None:
        return
    yield from reach(levels, as_clock(answers[1]))
    entries = {
        key: entry
        for key, data in zip(keys, answers[0], strict=True)
        if data is not None and (entry := _decoded(key, data)) is not None
    }
    verdicts = yield from _judge(levels, entries)
    for key, entry in entries.items():
        _take(lookup, key, entry, verdicts[key])


def _decoded(key: str, data: bytes) -> Entry | None:
    stats.count("bytes_read", len(data))
    try:
        return decode(key, data)
    except Unreadable as error:
        stats.count("unreadable")
        logger.warning("entry %s is a miss: %s", key, error)
        return None


def _judge(levels: Levels, entries: Mapping[str, Entry]) -> Flow:
    """What the clock says of each; what this process has not heard, Redis is asked for."""
    verdicts = {key: levels.clock.judge(item.at, item.groups) for key, item in entries.items()}
    unknown = [key for key, verdict in verdicts.items() if verdict is Verdict.UNKNOWN]
    if not unknown:
        return verdicts
    names = list(dict.fromkeys(name for key in unknown for name in (ALL, *entries[key].groups)))
    answers = yield Ask([levels.commands.stamps(names)])
    if answers is None:
        return {**verdicts, **dict.fromkeys(unknown, Verdict.DROPPED)}
    stamps = dict(zip(names, as_stamps(answers[0]), strict=True))
    for key in unknown:
        at, mine = entries[key].at, [stamps[name] for name in (ALL, *entries[key].groups)]
        # a stamp that Redis has forgotten may have said anything
        is_known = at is not None and None not in mine
        verdicts[key] = judge(at or 0, mine) if is_known else Verdict.DROPPED
    return verdicts


def _take(lookup: Lookup, key: str, entry: Entry, verdict: Verdict) -> None:
    """An entry of Redis: at hand from now on, if it is of use."""
    time = now()
    if verdict in (Verdict.DROPPED, Verdict.UNKNOWN) or not entry.freshness.is_usable(time):
        return
    try:
        is_soft = verdict is Verdict.SOFT
        held = lookup.levels.keep(key, entry, lookup.since, soft=is_soft)
    except Unreadable as error:
        stats.count("unreadable")
        logger.warning("entry %s is a miss: %s", key, error)
        return
    if entry.freshness.is_fresh(time) and not is_soft:
        lookup.found[key] = held
        note_held(lookup.definition.label, lookup.wanted[key], held, stats.SHARED)
    else:
        lookup.stale[key] = held
