"""Loads what no level has, under a lease, and stores it, unless it is old by then."""

from __future__ import annotations

import logging
from typing import Any, Final

from ..conf import get_settings as get_origin_settings
from . import stats
from .clock import ALL
from .codec import Unstorable, pack
from .definition import Definition
from .dependencies import note
from .entry import Entry, encode
from .layers import now
from .lease import new_token
from .loading import Loaded
from .lookup import Lookup, tell
from .missing import MISSING
from .policy import Freshness
from .process_layer import Held
from .readings import Reading
from .shared_layer import Fill, as_clock, as_stamps
from .shared_reads import look_in_redis, take
from .steps import Ask, Flow, Load, Pause

logger = logging.getLogger("twopass.datacache")

FIRST_PAUSE: Final = 0.002
LONGEST_PAUSE: Final = 0.025
MOST_LOADS: Final = 3
"""Loads of one value until a node is found that has replayed its last invalidation."""


def load(lookup: Lookup, keys: list[str], *, wait: bool) -> Flow:
    """Load under a lease; wait for those that others have, within the bound."""
    levels, pause, waited = lookup.levels, FIRST_PAUSE, 0.0
    rest = keys
    while rest:
        token = new_token()
        leased, began, lsn = yield from _acquire(lookup, rest, token)
        if leased:
            yield from _load_leased(lookup, leased, token, began, lsn)
        rest = [key for key in rest if key not in leased and not lookup.has(key)]
        if not rest or not wait:
            return
        if waited >= levels.conf.wait:
            # whoever has the lease is slower than anybody can wait
            yield from _load_leased(lookup, rest, token, None, 0)
            return
        if not waited:
            stats.count("waited", len(rest))
        yield Pause(pause)
        waited += pause
        pause = min(pause * 1.5, LONGEST_PAUSE)
        yield from look_in_redis(lookup, rest)
        rest = [key for key in rest if not lookup.has(key)]


def _acquire(lookup: Lookup, keys: list[str], token: str) -> Flow:
    """The keys leased to us, the clock before the load, and how new the data must be."""
    levels = lookup.levels
    groups = list(
        dict.fromkeys(g for key in keys for g in lookup.definition.groups(lookup.wanted[key]))
    )
    known = levels.clock.lsn_of(groups)
    if levels.link is None or (levels.has_pending and not levels.deliver()):
        return keys, None, known
    answers = yield Ask(
        [
            *levels.commands.acquire(keys, token, levels.conf.lease),
            levels.commands.stamps([ALL, *groups]),
            levels.commands.entries(keys),
        ]
    )
    if answers is None:
        return keys, None, known
    *given, clock, stamps, entries = answers
    leased = [key for key, answer in zip(keys, given, strict=True) if answer]
    # who had the lease before us may have stored it between our look and our turn
    yield from take(lookup, zip(keys, entries, strict=True))
    if came := [key for key in leased if lookup.has(key)]:
        yield Ask([levels.commands.release(key, token) for key in came])
    known = max([known, *(stamp.lsn for stamp in as_stamps(stamps) if stamp is not None)])
    return [key for key in leased if not lookup.has(key)], as_clock(clock), known


def _load_leased(lookup: Lookup, keys: list[str], token: str, began: int | None, lsn: int) -> Flow:
    """Load and store. `began` is None where there is no lease, and so nothing for Redis."""
    levels = lookup.levels
    guard = levels.conf.lsn_guard
    if began is not None:
        levels.renewer.hold(keys, token)
    try:
        rest, lsn = keys, lsn if guard else 0
        for attempt in range(MOST_LOADS):
            since, started = levels.clock.sequence, now()
            loaded: Loaded = yield Load(lookup.definition, [lookup.wanted[k] for k in rest], lsn)
            made = _entries(lookup, rest, loaded, Freshness(started, started, started, 0.0))
            entries = {key: entry._replace(at=began, lsn=lsn) for key, entry in made.items()}
            behind = yield from _store(lookup, entries, loaded, token, since)
            if not behind or not guard or attempt == MOST_LOADS - 1:
                break
            stats.count("behind", len(behind))
            rest, lsn = list(behind), max(behind.values())
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
        groups = groups_of(definition, ident, loaded)
        if payload is None:
            lookup.values[key] = value
            # what is made of it depends on it all the same
            inner = loaded.inner.readings
            label, seconds = definition.label, loaded.seconds
            note(Reading(label, str(ident), stats.LOADER, groups, age, seconds, inner))
            continue
        usable = min(age + policy.stale, lookup.levels.conf.longest_life)
        fresh = Freshness(at.loaded_at, at.loaded_at + age, at.loaded_at + usable, loaded.seconds)
        entries[key] = Entry(definition.label, None, 0, groups, fresh, payload)
    return entries


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
    """Store what may be stored; the positions to wait for, of values that came too old."""
    levels = lookup.levels
    behind = {
        key: needed
        for key, entry in entries.items()
        if (needed := levels.clock.lsn_of(entry.groups)) > entry.lsn
    }
    kept = entries if loaded.may_keep else {}
    if levels.conf.lsn_guard:
        kept = {key: entry for key, entry in kept.items() if key not in behind}
    refused = yield from _store_in_redis(lookup, kept, token, behind)
    for key, entry in entries.items():
        if key in kept and key not in refused:
            held = levels.keep(key, entry, since)
        else:
            held = Held(key, entry, entry.freshness.fresh_until)
        lookup.found[key] = held
        label, ident = lookup.definition.label, lookup.wanted[key]
        reading = tell(label, ident, held, stats.LOADER, loaded.seconds)
        if reading is not None:
            reading.inner = loaded.inner.readings
    return behind


def _store_in_redis(
    lookup: Lookup, entries: dict[str, Entry], token: str, behind: dict[str, int]
) -> Flow:
    """The keys that Redis would not take: what was loaded is old, or was another's to load."""
    levels, fills = lookup.levels, []
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
        fills.append(Fill(key, token, entry.at, entry.lsn, life, data, entry.groups))
    answers = (yield Ask([levels.commands.fill(fill) for fill in fills])) if fills else None
    refused: set[str] = set()
    for fill, (verdict, lsn) in zip(fills, answers or (), strict=False):
        word = verdict.decode()
        if word == "stored":
            lookup.stored.add(fill.key)
            stats.count("bytes_written", len(fill.data))
            continue
        refused.add(fill.key)
        if word == "behind":
            behind[fill.key] = int(lsn)
        else:
            stats.count(word)
    return refused


def groups_of(definition: Definition, ident: Any, loaded: Loaded) -> tuple[str, ...]:
    value = loaded.values.get(ident, MISSING)
    own = () if value is MISSING else definition.groups_of(ident, value)
    return tuple(dict.fromkeys((*definition.groups(ident), *own, *loaded.inner.groups)))
