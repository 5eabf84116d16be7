"""Loads what no level has, under a lease, and stores it, unless it is old by then."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from typing import Any, Final

from ..conf import get_settings as get_origin_settings
from . import stats
from .clock import ALL
from .codec import Unstorable, pack
from .definition import Definition
from .demand import NOTHING, Demand, strictest
from .entry import Entry, encode
from .layers import now
from .lease import new_token
from .loading import Loaded
from .lookup import Lookup, Loose, tell
from .missing import MISSING
from .policy import Freshness
from .process_layer import Held
from .shared_layer import Fill, as_clock, as_demand, as_stamps
from .shared_reads import look_in_redis, take
from .steps import Ask, Deliver, Flow, Load, Pause

logger = logging.getLogger("twopass.datacache")

FIRST_PAUSE: Final = 0.002
LONGEST_PAUSE: Final = 0.025
MOST_LOADS: Final = 3
"""Loads of one value until a node is found that has replayed its last invalidation."""


def load(lookup: Lookup, keys: list[str], *, wait: bool) -> Flow:
    """Load under a lease; wait for those that others have, within the bound."""
    rest, pause = keys, FIRST_PAUSE
    overdue_at = time.monotonic() + lookup.levels.conf.wait
    while rest:
        token = new_token()
        leased, began, demand = yield from _acquire(lookup, rest, token)
        if not leased and wait and time.monotonic() >= overdue_at:
            # whoever has the lease is slower than anybody should wait: one of all goes beside
            leased, began = (yield from _take_turns(lookup, rest, token)), None
        if leased:
            yield from _load_leased(lookup, leased, token, began, demand)
        rest = [key for key in rest if key not in leased and not lookup.has(key)]
        if not rest or not wait:
            return
        if pause == FIRST_PAUSE:
            stats.count("waited", len(rest))
        yield Pause(pause)
        pause = min(pause * 1.5, LONGEST_PAUSE)
        yield from look_in_redis(lookup, rest)
        rest = [key for key in rest if not lookup.has(key)]


def _acquire(lookup: Lookup, keys: list[str], token: str) -> Flow:
    """The keys leased to us, the clock before the load, and how new the data must be.

    `None` for the clock where nobody leases anything: all keys are ours then.
    """
    levels = lookup.levels
    groups = list(
        dict.fromkeys(g for key in keys for g in lookup.definition.groups(lookup.wanted[key]))
    )
    known = levels.demand(groups)
    if levels.link is None or (levels.has_pending and not (yield Deliver())):
        return keys, None, known
    answers = yield Ask(
        [
            *levels.commands.acquire(keys, token, levels.conf.lease),
            levels.commands.stamps([ALL, *groups]),
            levels.commands.floor(),
            levels.commands.entries(keys),
        ]
    )
    if answers is None:
        return keys, None, known
    *given, clock, stamps, floor, entries = answers
    leased = [key for key, answer in zip(keys, given, strict=True) if answer]
    # who had the lease before us may have stored it between our look and our turn
    yield from take(lookup, zip(keys, entries, strict=True))
    if came := [key for key in leased if lookup.has(key)]:
        yield Ask([levels.commands.release(key, token) for key in came])
    demand = NOTHING
    if levels.guard:
        # what Redis knows of is all there is; what only this process does is no more than that
        demand = strictest([Demand(known.lsn), as_demand(floor, as_stamps(stamps))])
    return [key for key in leased if not lookup.has(key)], as_clock(clock), demand


def _take_turns(lookup: Lookup, keys: list[str], token: str) -> Flow:
    """The keys that are this reader's to load beside the holders of their leases."""
    levels = lookup.levels
    given = yield Ask(levels.commands.take_turns(keys, token, levels.conf.wait))
    return keys if given is None else [key for key, mine in zip(keys, given, strict=True) if mine]


def _load_leased(
    lookup: Lookup, keys: list[str], token: str, began: int | None, demand: Demand
) -> Flow:
    """Load and store. `began` is None where there is no lease, and so nothing for Redis."""
    levels = lookup.levels
    if began is not None:
        levels.renewer.hold(keys, token)
    try:
        rest = keys
        for attempt in range(MOST_LOADS):
            since, gaps, started = levels.clock.sequence, levels.clock.gaps, now()
            idents = [lookup.wanted[key] for key in rest]
            loaded: Loaded = yield Load(lookup.definition, idents, demand)
            if loaded.met.ask:
                levels.clock.learn_floor(loaded.met.lsn, gaps)
            made = _entries(lookup, rest, loaded, Freshness(started, started, started, 0.0))
            entries = {key: e._replace(at=began, lsn=loaded.met.lsn) for key, e in made.items()}
            behind = yield from _store(lookup, entries, loaded, token, since)
            is_in_vain = demand.ask and not loaded.met.ask  # the primary does not answer
            if not behind or is_in_vain or attempt == MOST_LOADS - 1:
                break
            stats.count("behind", len(behind))
            rest, demand = list(behind), strictest(behind.values())
            for key in rest:
                lookup.found.pop(key, None)
    except Exception:
        yield from _give_back(lookup, keys, token, began)
        raise
    finally:
        if began is not None:
            levels.renewer.drop(keys, token)
    yield from _give_back(lookup, keys, token, began)


def _give_back(lookup: Lookup, keys: list[str], token: str, began: int | None) -> Flow:
    """Leases of what was not stored: others need not wait until they run out."""
    loose = [key for key in keys if key not in lookup.stored]
    if began is not None and loose:
        yield Ask([lookup.levels.commands.release(key, token) for key in loose])


def _entries(lookup: Lookup, keys: list[str], loaded: Loaded, at: Freshness) -> dict[str, Entry]:
    """What may be stored of a load; what may not is handed out all the same."""
    definition, entries = lookup.definition, {}
    for key in keys:
        ident = lookup.wanted[key]
        value = loaded.values.get(ident, MISSING)
        payload = _payload(definition, ident, value)
        policy = definition.policy
        age = min(policy.max_age, lookup.levels.conf.longest_life)
        if loaded.inner.left is not None:
            age = min(age, loaded.inner.left)
        usable = min(age + policy.stale, lookup.levels.conf.longest_life)
        fresh = Freshness(at.loaded_at, at.loaded_at + age, at.loaded_at + usable, loaded.seconds)
        groups = groups_of(definition, ident, loaded)
        entry = Entry(definition.label, None, 0, groups, fresh, payload or b"")
        if payload is not None:
            entries[key] = entry
            continue
        loose = lookup.loose[key] = Loose(entry, value)
        _tell(lookup, key, loose, loaded)
    if not loaded.may_keep:
        lookup.private.update(keys)
    return entries


def _tell(lookup: Lookup, key: str, found: Held | Loose, loaded: Loaded) -> None:
    label, ident = lookup.definition.label, lookup.wanted[key]
    reading = tell(label, ident, found, stats.LOADER, loaded.seconds)
    if reading is not None:
        reading.inner = loaded.inner.readings


def _payload(definition: Definition, ident: Any, value: Any) -> bytes | None:
    """The value's bytes, empty for "there is none"; None for what cannot be stored."""
    if value is MISSING:
        return b"" if definition.keeps_missing(ident) else None
    try:
        return pack(value)
    except Unstorable as error:
        stats.count("unstorable")
        if get_origin_settings().strict:
            raise Unstorable(f"{definition.label}: {error}") from error
        logger.error("%s is not cached: %s", definition.label, error)
        return None


def _store(
    lookup: Lookup, entries: dict[str, Entry], loaded: Loaded, token: str, since: int
) -> Flow:
    """Store what may be stored; how new it must be, of values that came too old."""
    levels, met = lookup.levels, loaded.met
    fills = _fills(lookup, entries, token, met.ask) if loaded.may_keep else {}
    behind: dict[str, Demand] = {}
    for key, entry in entries.items() if levels.guard else ():
        needed = levels.demand(entry.groups)
        # what goes into Redis, Redis judges: this process need not have heard of everything
        asks = needed.ask and not met.ask and key not in fills
        if needed.lsn > met.lsn or asks:
            behind[key] = needed
    kept = {key: e for key, e in entries.items() if loaded.may_keep and key not in behind}
    fit = [fill for key, fill in fills.items() if key in kept]
    refused = yield from _store_in_redis(lookup, fit, behind)
    for key, entry in entries.items():
        if key in kept and key not in refused:
            held = levels.keep(key, entry, since)
        else:
            held = Held(key, entry, entry.freshness.fresh_until)
        lookup.found[key] = held
        _tell(lookup, key, held, loaded)
    return behind


def _fills(
    lookup: Lookup, entries: Mapping[str, Entry], token: str, asked: bool
) -> dict[str, Fill]:
    """What Redis is to keep, by key."""
    levels, fills = lookup.levels, {}
    for key, entry in entries.items():
        if entry.at is None:
            continue
        data = encode(key, entry, levels.conf.compress_above)
        if len(data) > levels.conf.entry_bytes:
            stats.count("too_large")
            logger.warning("%s: %d bytes are not shared (ENTRY_BYTES)", key, len(data))
            continue
        fresh = entry.freshness
        life = fresh.usable_until - fresh.loaded_at
        fills[key] = Fill(key, token, entry.at, entry.lsn, life, data, entry.groups, asked)
    return fills


def _store_in_redis(lookup: Lookup, fills: list[Fill], behind: dict[str, Demand]) -> Flow:
    """The keys that Redis would not take: what was loaded is old, or was another's to load."""
    commands, refused = lookup.levels.commands, set[str]()
    answers = (yield Ask([commands.fill(fill) for fill in fills])) if fills else ()
    if answers is None:
        return {fill.key for fill in fills}  # nobody has judged it
    for fill, (verdict, lsn) in zip(fills, answers, strict=True):
        word = verdict.decode()
        if word == "stored":
            lookup.stored.add(fill.key)
            stats.count("bytes_written", len(fill.data))
            continue
        refused.add(fill.key)
        if word == "behind":
            needed = int(lsn)
            behind[fill.key] = Demand(max(0, needed), ask=needed < 0)
        else:
            stats.count(word)
    return refused


def groups_of(definition: Definition, ident: Any, loaded: Loaded) -> tuple[str, ...]:
    value = loaded.values.get(ident, MISSING)
    own = () if value is MISSING else definition.groups_of(ident, value)
    return tuple(dict.fromkeys((*definition.groups(ident), *own, *loaded.inner.groups)))
