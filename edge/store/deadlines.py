"""When entries are of no more use: noted by the span of time that it falls into."""

from __future__ import annotations

import heapq
import math
from typing import Final, Generic

from edge.store.entry import Entry, K, V

SPAN: Final = 5.0
"""Seconds: by so much later, at most, a thing that is over is found. Eight bytes note one."""


class Deadlines(Generic[K, V]):
    """Entries by the end of their span; what left meanwhile stays noted for a while."""

    __slots__ = ("_ends", "_noted", "_patience", "_spans")

    def __init__(self) -> None:
        self._spans: dict[int, list[Entry[K, V]]] = {}
        self._ends: list[int] = []
        self._noted = 0
        self._patience = 1000

    def __len__(self) -> int:
        return self._noted

    def note(self, entry: Entry[K, V], drop_at: float) -> None:
        """Remember to look at it then; never where that is infinite."""
        if drop_at == math.inf:
            return
        end = math.ceil(drop_at / SPAN)
        span = self._spans.get(end)
        if span is None:
            span = self._spans[end] = []
            heapq.heappush(self._ends, end)
        span.append(entry)
        self._noted += 1
        if self._noted > self._patience:
            self._let_go()

    def due(self, now: float) -> list[Entry[K, V]]:
        """Those of all spans that are over; one may have been given more time since."""
        found: list[Entry[K, V]] = []
        while self._ends and self._ends[0] * SPAN <= now:
            span = self._spans.pop(heapq.heappop(self._ends))
            self._noted -= len(span)
            found = found + span if found else span
        return found

    def _let_go(self) -> None:
        """Of what left long before its time: a page renewed every minute may be good for a year."""
        for end, span in self._spans.items():
            self._spans[end] = [entry for entry in span if entry.value is not None]
        self._noted = sum(map(len, self._spans.values()))
        self._patience = 2 * self._noted + 1000
