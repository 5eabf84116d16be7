"""What this process counted: passes by reason, guard hits by place, fragments by outcome."""

from __future__ import annotations

import threading
from collections import Counter
from typing import Final

_LOCK: Final = threading.Lock()
_COUNTS: Final[Counter[tuple[str, str]]] = Counter()

MAX_LABELS: Final = 2000
"""Different (name, label) pairs kept: labels name templates and views, never visitors."""


def count(name: str, label: str = "") -> None:
    """Add one to `name`, told apart by `label`."""
    with _LOCK:
        if (name, label) in _COUNTS or len(_COUNTS) < MAX_LABELS:
            _COUNTS[name, label] += 1


def read(name: str | None = None) -> dict[tuple[str, str], int]:
    """A copy of all counts, or of those called `name`."""
    with _LOCK:
        return {key: value for key, value in _COUNTS.items() if name in (None, key[0])}


def reset() -> None:
    """Start again from zero (tests, a new worker)."""
    with _LOCK:
        _COUNTS.clear()
