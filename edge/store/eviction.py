"""Which object leaves when there is no room: S3-FIFO.

After Yang, Zhang, Qiu, Yue and Rashmi, "FIFO queues are all you need for cache eviction" (SOSP
2023). Newcomers stand in a small queue and leave by it unless they are used there; what was used,
or comes back soon after it left, stands in the main queue, whose used ones go round again. A scan
of things that nobody asks for twice passes through the small queue and pushes out nothing else.
A hit costs one counter; nothing moves.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Final, Generic

from edge.store.entry import PURGED, Entry, K, V
from edge.store.ghosts import Ghosts

SMALL_SHARE: Final = 0.1
"""Of the bytes, for newcomers; the paper's figure."""
USED: Final = 2
"""Uses by which a newcomer comes to stay: a fill itself may look it up once, and a hit is told to
the store only when something has changed since the last."""
MAX_USES: Final = 3
"""Rounds in the main queue that uses can earn."""
PATIENCE: Final = 1000
"""Entries that one eviction looks at; where all were used, any may go."""


class Queues(Generic[K, V]):
    """The order of one store's entries, in bytes; it does not drop anything itself."""

    __slots__ = ("_ghosts", "_husks", "_main", "_small", "_target", "main_bytes", "small_bytes")

    def __init__(self, limit: int) -> None:
        self._target = int(limit * SMALL_SHARE)
        self._small: deque[Entry[K, V]] = deque()
        self._main: deque[Entry[K, V]] = deque()
        self._ghosts = Ghosts()
        self._husks = 0
        self.small_bytes = 0
        self.main_bytes = 0

    def add(self, entry: Entry[K, V], size: int) -> None:
        """Take in a newcomer, at the end of the queue that is its own."""
        if entry.in_main or self._ghosts.take(hash(entry.key)):
            entry.in_main = True
            self._main.append(entry)
            self.main_bytes += size
        else:
            self._small.append(entry)
            self.small_bytes += size

    def left(self, entry: Entry[K, V], size: int) -> None:
        """Take note that it is gone; its husk, without a value, stays until its turn."""
        if entry.in_main:
            self.main_bytes -= size
        else:
            self.small_bytes -= size
        self._husks += 1
        if 2 * self._husks > len(self._small) + len(self._main) + 1000:
            self._small = deque(kept for kept in self._small if kept.value is not None)
            self._main = deque(kept for kept in self._main if kept.value is not None)
            self._husks = 0

    def victim(self, objects: int) -> Entry[K, V] | None:
        """The one to leave next, out of `objects`; None where there is none."""
        for turn in range(PATIENCE + 1):
            is_last = turn == PATIENCE
            from_small = bool(self.small_bytes) and (
                self.small_bytes > self._target or not self.main_bytes
            )
            if not from_small and not self.main_bytes:
                return None
            entry = self._next(self._small if from_small else self._main)
            if entry.mark != PURGED and not is_last and self._stays(entry):
                continue
            if from_small:
                self._ghosts.add(hash(entry.key), objects)
            self._husks -= 1  # `left` counts one, and it stands in no queue any more
            return entry
        raise AssertionError("the last turn takes whatever comes")

    def _stays(self, entry: Entry[K, V]) -> bool:
        if entry.in_main:
            if not entry.uses:
                return False
            entry.uses -= 1
        else:
            if entry.uses < USED:
                return False
            entry.uses = 0
            entry.in_main = True
            assert entry.value is not None
            self.small_bytes -= entry.value.size
            self.main_bytes += entry.value.size
        self._main.append(entry)
        return True

    def _next(self, queue: deque[Entry[K, V]]) -> Entry[K, V]:
        while (entry := queue.popleft()).value is None:
            self._husks -= 1
        return entry

    def by_worth(self) -> Iterator[Entry[K, V]]:
        """All entries that are there, those that will stay longest first."""
        for queue in (self._main, self._small):
            yield from (entry for entry in reversed(queue) if entry.value is not None)
