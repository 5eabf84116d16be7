"""A mapping that forgets what was used longest ago: for marks and records of bounded worth."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

from edge.core.long_names import short_bytes
from edge.store.changes import Changes

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class BoundedMap(Generic[K, V]):
    """At most `limit` entries, least recently used ones leave first; long keys take no more room.

    An entry may have a time from which it counts as absent; `now` in the caller's seconds.
    `changes` counts whatever else makes `get` answer otherwise than before.
    """

    __slots__ = ("_changes", "_entries", "limit")

    def __init__(self, limit: int, changes: Changes | None = None) -> None:
        self.limit = limit
        self._changes = changes or Changes()
        self._entries: OrderedDict[Hashable, tuple[V, float]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, key: K, now: float = 0.0) -> V | None:
        """The value, unless it is absent or past its time."""
        name = _short(key)
        entry = self._entries.get(name)
        if entry is None:
            return None
        if now >= entry[1]:
            del self._entries[name]
            return None
        self._entries.move_to_end(name)
        return entry[0]

    def set(self, key: K, value: V, until: float = float("inf")) -> None:
        """Remember `value`, before `until`."""
        self._changes.count += 1
        name = _short(key)
        self._entries[name] = (value, until)
        self._entries.move_to_end(name)
        if len(self._entries) > self.limit:
            self._entries.popitem(last=False)

    def discard(self, key: K) -> None:
        """Forget `key`, if it is there."""
        self._changes.count += 1
        self._entries.pop(_short(key), None)

    def clear(self) -> None:
        """Forget everything."""
        self._changes.count += 1
        self._entries.clear()


def _short(key: Hashable) -> Hashable:
    return short_bytes(key) if isinstance(key, bytes) else key
