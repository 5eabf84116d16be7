"""Reads entries of Redis, and judges them by the clock before they are used."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from typing import Final

from . import stats
from .catching_up import reach
from .clock import ALL, Verdict, judge
from .codec import Unreadable
from .dependencies import is_watched
from .entry import Entry, decode
from .layers import Levels, now
from .lookup import Lookup, tell
from .shared_layer import as_clock, as_stamps
from .steps import Ask, Deliver, Flow

logger = logging.getLogger("twopass.datacache")

_USELESS: Final = (Verdict.DROPPED, Verdict.UNKNOWN)


def look_in_redis(lookup: Lookup, keys: list[str]) -> Flow:
    """Read `keys` of Redis, with the clock, in one pipeline."""
    levels = lookup.levels
    if levels.has_pending and not (yield Deliver()):
        return  # what it holds may be what we have invalidated
    answers = yield Ask(levels.commands.read(keys))
    if answers is None:
        return
    yield from reach(levels, as_clock(answers[1]))
    yield from take(lookup, zip(keys, answers[0], strict=True))


def take(lookup: Lookup, found: Iterable[tuple[str, bytes | None]]) -> Flow:
    """What Redis holds, by key: to the values found, as far as it is of use."""
    entries = _decoded(lookup, found)
    if not entries:
        return
    verdicts = yield from _judge(lookup.levels, entries)
    time, label = now(), lookup.definition.label
    taken = [k for k, entry in entries.items() if _take(lookup, k, entry, verdicts[k], time)]
    stats.hit(stats.SHARED, label, len(taken))
    for key in taken if is_watched() else ():
        tell(label, lookup.wanted[key], lookup.found[key], stats.SHARED)


def _decoded(lookup: Lookup, found: Iterable[tuple[str, bytes | None]]) -> dict[str, Entry]:
    entries, size = {}, 0
    for key, data in found:
        if data is None or key in lookup.unreadable:
            continue
        size += len(data)
        try:
            entries[key] = decode(key, data)
        except Unreadable as error:
            _refuse(lookup, key, error)
    stats.count("bytes_read", size)
    return entries


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


def _take(lookup: Lookup, key: str, entry: Entry, verdict: Verdict, time: float) -> bool:
    """An entry of Redis: at hand from now on, if it is of use; whether it is what was wanted."""
    fresh = entry.freshness
    if verdict in _USELESS or not fresh.is_usable(time) or fresh.loaded_at <= lookup.newer_than:
        return False
    is_soft = verdict is Verdict.SOFT
    try:
        held = lookup.levels.keep(key, entry, lookup.since, soft=is_soft)
    except Unreadable as error:
        _refuse(lookup, key, error)
        return False
    if is_soft or not fresh.is_fresh(time):
        lookup.stale[key] = held
        return False
    lookup.found[key] = held
    return True
