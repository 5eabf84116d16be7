"""A store bounded in bytes whose objects are found by key and dropped by their labels."""

from __future__ import annotations

import heapq
from collections import OrderedDict
from collections.abc import Hashable, Iterator
from typing import Generic, Protocol, Self, TypeVar

from edge.core.prepared import Expiry
from edge.core.purge import Invalidation, Labels
from edge.store.changes import Changes


class Storable(Protocol):
    """What a store must know of an object."""

    @property
    def labels(self) -> Labels: ...
    @property
    def expiry(self) -> Expiry: ...
    @property
    def size(self) -> int: ...
    def softened(self, now: float) -> Self: ...


K = TypeVar("K", bound=Hashable)
V = TypeVar("V", bound=Storable)


class LabelledStore(Generic[K, V]):
    """Least recently used objects leave first once `limit` bytes are held.

    `changes` counts whatever makes `get` answer otherwise than before.
    """

    def __init__(self, limit: int, changes: Changes | None = None) -> None:
        self.limit = limit
        self._changes = changes or Changes()
        self.bytes = 0
        self.evictions = 0
        self._objects: OrderedDict[K, V] = OrderedDict()
        self._by_url: dict[str, set[K]] = {}
        self._by_group: dict[str, set[K]] = {}
        # (drop_at, order, key); an object replaced meanwhile leaves its item behind
        self._deadlines: list[tuple[float, int, K]] = []
        self._order = 0

    def __len__(self) -> int:
        return len(self._objects)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {len(self)} objects, {self.bytes} of {self.limit} bytes>"

    def get(self, key: K) -> V | None:
        """The object of that key, fresh or not."""
        found = self._objects.get(key)
        if found is not None:
            self._objects.move_to_end(key)
        return found

    def items(self) -> Iterator[tuple[K, V]]:
        """All objects, the longest unused first; not to be changed meanwhile."""
        return iter(self._objects.items())

    def items_by_use(self) -> Iterator[tuple[K, V]]:
        """All objects, the last used first; not to be changed meanwhile."""
        return ((key, self._objects[key]) for key in reversed(self._objects))

    def put(self, key: K, value: V) -> bool:
        """Keep `value`; False where it is larger than the whole store."""
        self.discard(key)
        if value.size > self.limit:
            return False
        self._changes.count += 1
        self._objects[key] = value
        self.bytes += value.size
        self._by_url.setdefault(value.labels.url, set()).add(key)
        for group in value.labels.groups:
            self._by_group.setdefault(group, set()).add(key)
        self._note_deadline(key, value)
        while self.bytes > self.limit:
            self.discard(next(iter(self._objects)))
            self.evictions += 1
        return True

    def discard(self, key: K) -> V | None:
        """Drop the object of that key, if there is one."""
        value = self._objects.pop(key, None)
        if value is None:
            return None
        self._changes.count += 1
        self.bytes -= value.size
        _unindex(self._by_url, value.labels.url, key)
        for group in value.labels.groups:
            _unindex(self._by_group, group, key)
        return value

    def invalidate(self, invalidation: Invalidation, now: float) -> int:
        """Drop, or make stale, all that it concerns; how many objects."""
        keys = self._concerned(invalidation)
        for key in keys:
            if invalidation.soft:
                self.soften(key, now)
            else:
                self.discard(key)
        return len(keys)

    def expire(self, now: float) -> int:
        """Drop what is of no more use; how many objects."""
        dropped = 0
        while self._deadlines and self._deadlines[0][0] <= now:
            _, _, key = heapq.heappop(self._deadlines)
            value = self._objects.get(key)
            if value is not None and value.expiry.drop_at <= now:
                self.discard(key)
                dropped += 1
        return dropped

    def _concerned(self, invalidation: Invalidation) -> set[K]:
        if invalidation.everything:
            return set(self._objects)
        keys: set[K] = set()
        for url in invalidation.urls:
            keys |= self._by_url.get(url, set())
        for group in invalidation.groups:
            keys |= self._by_group.get(group, set())
        if invalidation.prefixes:
            prefixes = tuple(invalidation.prefixes)
            for url, found in self._by_url.items():
                if url.startswith(prefixes):
                    keys |= found
        return keys

    def soften(self, key: K, now: float) -> None:
        """Make the object of that key stale."""
        # same labels, same size: only its times change
        self._changes.count += 1
        value = self._objects[key] = self._objects[key].softened(now)
        self._note_deadline(key, value)

    def _note_deadline(self, key: K, value: V) -> None:
        self._order += 1
        heapq.heappush(self._deadlines, (value.expiry.drop_at, self._order, key))
        if len(self._deadlines) > 2 * len(self._objects) + 1000:
            self._deadlines = [
                (held.expiry.drop_at, number, held_key)
                for number, (held_key, held) in enumerate(self._objects.items())
            ]
            heapq.heapify(self._deadlines)


def _unindex(index: dict[str, set[K]], name: str, key: K) -> None:
    keys = index.get(name)
    if keys is not None:
        keys.discard(key)
        if not keys:
            del index[name]
