"""One reading of several values: what is wanted, and what has been found so far."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from . import stats
from .definition import Definition
from .dependencies import is_watched, note
from .layers import Levels, now
from .missing import MISSING
from .process_layer import Held
from .readings import Reading
from .request_layer import request_level


@dataclass(slots=True)
class Lookup:
    """One reading of several values: what is wanted, what was found, what is stale."""

    levels: Levels
    definition: Definition
    wanted: dict[str, Any]
    """Idents by key."""
    found: dict[str, Held] = field(default_factory=dict)
    stale: dict[str, Held] = field(default_factory=dict)
    values: dict[str, Any] = field(default_factory=dict)
    """What was loaded and cannot be kept in any level."""
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
        found, values = self.found, self.values
        return [key for key in self.wanted if key not in found and key not in values]

    def has(self, key: str) -> bool:
        """Whether there is a value for `key`."""
        return key in self.found or key in self.values

    def results(self, names: Mapping[Any, str]) -> dict[Any, Any]:
        """The values by ident, without those that there are none of. `names`: keys by ident."""
        given = {key: held.get() for key, held in self.found.items()} | self.values
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


def note_held(label: str, ident: Any, held: Held, level: str) -> None:
    """Count a value, and tell who is making something of it."""
    stats.hit(level, label)
    tell(label, ident, held, level)


def tell(label: str, ident: Any, held: Held, level: str, seconds: float = 0.0) -> Reading | None:
    """Tell who is making something of a value."""
    if not is_watched():
        return None
    entry = held.entry
    left = entry.freshness.left(now())
    reading = Reading(label, str(ident), level, entry.groups, left, seconds)
    note(reading)
    return reading
