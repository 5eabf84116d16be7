"""How values are read through the levels: the whole course, as one generator of steps.

at hand → in Redis → leased and loaded → stored, if nothing was invalidated meanwhile
                   → leased by another → stale, or waited for

Within a process it is gone by one reader for each key at a time; the others wait for what it finds.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Mapping
from typing import Any

from . import stats, transactions
from .bypassing import is_bypassed
from .catching_up import catch_up
from .definition import Definition
from .dependencies import note
from .fills import groups_of, load
from .layers import Levels, now
from .lease import Flight, Landing
from .loading import Loaded, is_loading
from .lookup import Lookup, Loose, at_hand, note_held
from .process_layer import Held
from .readings import Reading
from .request_layer import request_level
from .shared_reads import look_in_redis
from .steps import Flow, Join, Load, Refresh


def read(levels: Levels, definition: Definition, idents: Iterable[Any]) -> Flow:
    """The values of `idents`, without those that there are none of."""
    names = {ident: definition.key(ident) for ident in idents}
    lookup = Lookup(levels, definition, {key: ident for ident, key in names.items()})
    if not levels.conf.enabled or is_bypassed() or transactions.has_written():
        return (yield from _bypass(lookup, names))
    levels.listen()
    yield from catch_up(levels)
    lookup.since = levels.clock.sequence
    at_hand(lookup)
    while lookup.rest():
        yield from _in_turn(lookup)
    yield from _renew_early(lookup)
    level = request_level()
    if level is not None:
        level.keep(lookup.found)
    return lookup.results(names)


def renew(levels: Levels, definition: Definition, ident: Any, seen: float) -> Flow:
    """Load one value anew, if nobody else does or has since `seen`; nothing is handed out."""
    key = definition.key(ident)
    held = levels.process.get(key)
    if held is not None and not held.soft and held.entry.freshness.loaded_at > seen:
        return
    lookup = Lookup(levels, definition, {key: ident}, since=levels.clock.sequence, newer_than=seen)
    yield from load(lookup, [key], wait=False)


def _in_turn(lookup: Lookup) -> Flow:
    """Find or load what nobody else in this process does, and share what others find or load."""
    levels, error = lookup.levels, None
    free = [key for key in lookup.rest() if not is_loading(key)]
    own, others = levels.flights.begin(free, levels.clock.sequence, time.monotonic(), lookup.past)
    try:
        # who was faster may have landed between our look and our turn
        at_hand(lookup)
        yield from _look_further(lookup, [key for key in lookup.rest() if key not in others])
    except Exception as failure:
        error = failure
        raise
    finally:
        # whatever happened: those who wait for what is not there look for themselves
        shared = lookup.shared(own.keys) if own.is_awaited else {}
        levels.flights.land(own, Landing(shared, error))
    yield from _join(lookup, others)


def _bypass(lookup: Lookup, names: Mapping[Any, str]) -> Flow:
    """Without any level: inside a transaction that has written, or for a report."""
    stats.count("bypassed", len(lookup.wanted))
    loaded: Loaded = yield Load(lookup.definition, list(lookup.wanted.values()))
    for ident in lookup.wanted.values():
        groups = groups_of(lookup.definition, ident, loaded)
        left = min(
            lookup.definition.policy.max_age,
            math.inf if loaded.inner.left is None else loaded.inner.left,
        )
        reading = Reading(
            lookup.definition.label, str(ident), stats.LOADER, groups, left, loaded.seconds
        )
        reading.inner = loaded.inner.readings
        note(reading)
    given = {key: loaded.values[i] for key, i in lookup.wanted.items() if i in loaded.values}
    return {ident: given[key] for ident, key in names.items() if key in given}


def _look_further(lookup: Lookup, rest: list[str]) -> Flow:
    """Redis, then the loader. What is stale is renewed beside."""
    levels = lookup.levels
    if rest and levels.link is not None:
        yield from look_in_redis(lookup, rest)
        rest = [key for key in rest if not lookup.has(key)]
    for key in [key for key in rest if key in lookup.stale]:
        if lookup.definition.may_refresh and levels.conf.refreshers:
            stats.count("stale")
            lookup.found[key] = lookup.stale[key]
            note_held(lookup.definition.label, lookup.wanted[key], lookup.stale[key], stats.PROCESS)
            yield _refresh(lookup, key, lookup.stale[key])
    rest = [key for key in rest if not lookup.has(key)]
    if rest:
        yield from load(lookup, rest, wait=True)


def _renew_early(lookup: Lookup) -> Flow:
    """Values about to expire are renewed beside."""
    moment = now()
    for key, held in lookup.found.items():
        if moment >= held.good_until and not held.soft and held.entry.freshness.is_fresh(moment):
            held.good_until = held.entry.freshness.fresh_until  # one reader does it
            stats.count("early")
            yield _refresh(lookup, key, held)


def _refresh(lookup: Lookup, key: str, held: Held) -> Refresh:
    return Refresh(lookup.definition, lookup.wanted[key], held.entry.freshness.loaded_at)


def _join(lookup: Lookup, others: dict[str, Flight]) -> Flow:
    """Take what other threads and tasks of this process have loaded meanwhile.

    What they could not give is loaded by one of those who waited, in turn. So is what they failed
    to load, for that may have been the fault of their transaction; but who waits for a second
    failure shares it: a database in trouble is not asked by everybody.
    """
    if others:
        stats.count("collapsed", len(others))
    has_seen_failure = lookup.has_seen_failure
    for key, flight in others.items():
        landing = yield Join(flight.future, max(0.0, flight.overdue_at - time.monotonic()))
        lookup.past[key] = flight
        if landing is None:
            continue  # overdue
        found = landing.values.get(key)
        if found is not None and _is_new_enough(lookup, flight, found):
            _share(lookup, key, found)
        elif landing.error is not None:
            if has_seen_failure:
                raise landing.error
            lookup.has_seen_failure = True


def _is_new_enough(lookup: Lookup, flight: Flight, found: Held | Loose) -> bool:
    """Whether nothing was invalidated between its load's beginning and ours."""
    if flight.since >= lookup.since:
        return True
    return not lookup.levels.clock.has_moved(flight.since, found.entry.groups)


def _share(lookup: Lookup, key: str, found: Held | Loose) -> None:
    if isinstance(found, Held):
        lookup.found[key] = found
    elif (copied := found.copied()) is not None:
        found = lookup.loose[key] = copied
    else:
        return
    note_held(lookup.definition.label, lookup.wanted[key], found, stats.PROCESS)
