"""Reads entries of Redis, and judges them by the clock before they are used."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping

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
    """Read `keys` of Redis, with the clock, in one pipeline."""
    levels = lookup.levels
    if levels.has_pending and not levels.deliver():
        return  # what it holds may be what we have invalidated
    answers = yield Ask(levels.commands.read(keys))
    if answers is None:
        return
    yield from reach(levels, as_clock(answers[1]))
    yield from take(lookup, zip(keys, answers[0], strict=True))


def take(lookup: Lookup, found: Iterable[tuple[str, bytes | None]]) -> Flow:
    """What Redis holds, by key: to the values found, as far as it is of use."""
    entries = {
        key: entry
        for key, data in found
        if data is not None and (entry := _decoded(lookup, key, data)) is not None
    }
    if not entries:
        return
    verdicts = yield from _judge(lookup.levels, entries)
    for key, entry in entries.items():
        _take(lookup, key, entry, verdicts[key])


def _decoded(lookup: Lookup, key: str, data: bytes) -> Entry | None:
    if key in lookup.unreadable:
        return None
    stats.count("bytes_read", len(data))
    try:
        return decode(key, data)
    except Unreadable as error:
        _refuse(lookup, key, error)
        return None


def _refuse(lookup: Lookup, key: str, error: Unreadable) -> None:
    lookup.unreadable.add(key)
    stats.count("unreadable")
    logger.warning("entry %s is a miss: %s", key, error)


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
    if entry.freshness.loaded_at <= lookup.newer_than:
        return
    try:
        is_soft = verdict is Verdict.SOFT
        held = lookup.levels.keep(key, entry, lookup.since, soft=is_soft)
    except Unreadable as error:
        _refuse(lookup, key, error)
        return
    if entry.freshness.is_fresh(time) and not is_soft:
        lookup.found[key] = held
        note_held(lookup.definition.label, lookup.wanted[key], held, stats.SHARED)
    else:
        lookup.stale[key] = held
