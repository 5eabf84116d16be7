"""One reading of several values: what is wanted, and what has been found so far."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from . import stats
from .definition import Definition
from .dependencies import is_watched, note
from .entry import Entry
from .layers import Levels, now
from .lease import Flight
from .missing import MISSING
from .process_layer import Held
from .readings import Reading
from .request_layer import request_level


@dataclass(frozen=True, slots=True)
class Loose:
    """A value that cannot be kept in any level, and what it depends on: `entry` has no payload."""

    entry: Entry
    value: Any

    def copied(self) -> Loose | None:
        """With a value of its own; None where there is no second one of its kind."""
        if self.value is MISSING:
            return self
        try:
            return Loose(self.entry, copy.deepcopy(self.value))
        except Exception:  # noqa: BLE001  # generators, files, whatever does not want to be copied
            return None


@dataclass(slots=True)
class Lookup:
    """One reading of several values: what is wanted, what was found, what is stale."""

    levels: Levels
    definition: Definition
    wanted: dict[str, Any]
    """Idents by key."""
    found: dict[str, Held] = field(default_factory=dict)
    stale: dict[str, Held] = field(default_factory=dict)
    loose: dict[str, Loose] = field(default_factory=dict)
    """What was loaded and cannot be kept in any level."""
    private: set[str] = field(default_factory=set)
    """What was loaded inside a transaction that may see what nobody else would."""
    past: dict[str, Flight] = field(default_factory=dict)
    """Others' flights that this reading has waited for in vain, by key."""
    has_seen_failure: bool = False
    """Whether one of those has failed."""
    stored: set[str] = field(default_factory=set)
    """What Redis has taken."""
    unreadable: set[str] = field(default_factory=set)
    """What lies in Redis damaged, and has been told of."""
    since: int = 0
    """How far this process had counted invalidations when the reading began."""
    newer_than: float = -math.inf
    """Only values whose load began later are of use: for renewing what is there."""

    def rest(self) -> list[str]:
        """The keys that nothing was found for."""
        found, loose = self.found, self.loose
        return [key for key in self.wanted if key not in found and key not in loose]

    def has(self, key: str) -> bool:
        """Whether there is a value for `key`."""
        return key in self.found or key in self.loose

    def shared(self, keys: Iterable[str]) -> dict[str, Held | Loose]:
        """What others may have of what was found under `keys`."""
        mine: dict[str, Held | Loose | None] = {}
        for key in keys:
            if key not in self.private:
                loose = self.loose.get(key)
                mine[key] = self.found.get(key) if loose is None else loose.copied()
        return {key: one for key, one in mine.items() if one is not None}

    def results(self, names: Mapping[Any, str]) -> dict[Any, Any]:
        """The values by ident, without those that there are none of. `names`: keys by ident."""
        given = {key: held.get() for key, held in self.found.items()}
        given |= {key: loose.value for key, loose in self.loose.items()}
        return {
            ident: given[key]
            for ident, key in names.items()
            if key in given and given[key] is not MISSING
        }


def at_hand(lookup: Lookup) -> None:
    """Find what the request and the process have; what was found before stays."""
    levels, time, level = lookup.levels, now(), request_level()
    for key, ident in lookup.wanted.items():
        if key in lookup.found:
            continue
        if level is not None and key in level.values:
            lookup.found[key] = level.values[key]
            note_held(lookup.definition.label, ident, level.values[key], stats.REQUEST)
            continue
        held = levels.process.get(key)
        if held is None or not levels.is_trusted(held, time):
            continue
        held.is_marked = True
        fresh = held.entry.freshness
        if fresh.is_fresh(time) and not held.soft:
            lookup.found[key] = held
            note_held(lookup.definition.label, ident, held, stats.PROCESS)
        elif fresh.is_usable(time):
            lookup.stale[key] = held


def note_held(label: str, ident: Any, held: Held | Loose, level: str) -> None:
    """Count a value, and tell who is making something of it."""
    stats.hit(level, label)
    tell(label, ident, held, level)


def tell(
    label: str, ident: Any, held: Held | Loose, level: str, seconds: float = 0.0
) -> Reading | None:
    """Tell who is making something of a value."""
    if not is_watched():
        return None
    entry = held.entry
    left = entry.freshness.left(now())
    reading = Reading(label, str(ident), level, entry.groups, left, seconds)
    note(reading)
    return reading
