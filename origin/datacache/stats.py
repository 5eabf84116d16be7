"""What the data caches of this process counted."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass, field
from typing import Final

REQUEST: Final = "request"
PROCESS: Final = "process"
SHARED: Final = "redis"
LOADER: Final = "loader"
LEVELS: Final = (REQUEST, PROCESS, SHARED, LOADER)


@dataclass(slots=True)
class Stats:
    """Counts by (what, label). `seconds`: of loads, by label.

    Process hits are counted where they happen, without a lock: a lost one in a million does not
    matter there, and a lock would cost more than the hit.
    """

    hits: dict[str, int] = field(default_factory=lambda: dict.fromkeys(LEVELS, 0))
    events: Counter[str] = field(default_factory=Counter)
    by_label: Counter[tuple[str, str]] = field(default_factory=Counter)
    seconds: dict[str, float] = field(default_factory=dict)


EVENTS: Final = (
    "collapsed",  # waited for another load in this process
    "waited",  # waited for another process's load
    "stale",  # served stale while it is loaded anew
    "early",  # renewed before it expired (XFetch)
    "raced",  # fills refused because the group was invalidated meanwhile
    "behind",  # loads that a replica had not come far enough for
    "lost",  # fills refused because the lease was lost
    "unreadable",  # entries that were damaged or not ours
    "too_large",  # values over ENTRY_BYTES
    "unstorable",  # values that cannot be stored exactly
    "bypassed",  # reads inside a transaction that has written
    "away",  # reads without Redis because it did not answer
    "gaps",  # times that messages were missed and everything dropped
    "bytes_read",
    "bytes_written",
)

_lock: Final = threading.Lock()
current: Final = Stats()


def count(event: str, number: int = 1) -> None:
    """Add to one of EVENTS."""
    with _lock:
        current.events[event] += number


def hit(level: str, label: str, number: int = 1) -> None:
    """So many values came from `level`."""
    with _lock:
        current.hits[level] += number
        current.by_label[level, label] += number


def loaded(label: str, number: int, seconds: float) -> None:
    """The loader gave so many values."""
    with _lock:
        current.hits[LOADER] += number
        current.by_label[LOADER, label] += number
        current.seconds[label] = current.seconds.get(label, 0.0) + seconds


def snapshot() -> dict[str, float]:
    """All counts by name: `hits_process`, `collapsed`, `load_seconds` …"""
    with _lock:
        found: dict[str, float] = {f"hits_{name}": n for name, n in current.hits.items()}
        found |= {name: current.events[name] for name in EVENTS}
        found["load_seconds"] = sum(current.seconds.values())
    found["stampedes_prevented"] = found["collapsed"] + found["waited"] + found["stale"]
    return found


def by_label() -> dict[tuple[str, str], int]:
    """Values by (level, label)."""
    with _lock:
        return dict(current.by_label)


def loads() -> list[tuple[str, int, float]]:
    """Of each label: how many values were loaded, in how many seconds."""
    with _lock:
        return [
            (label, current.by_label[LOADER, label], seconds)
            for label, seconds in current.seconds.items()
        ]


def reset() -> None:
    """Start again from zero."""
    with _lock:
        current.hits.update(dict.fromkeys(LEVELS, 0))
        current.events.clear()
        current.by_label.clear()
        current.seconds.clear()
