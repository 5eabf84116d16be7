"""The process level: values at hand, bounded by bytes, shared by the threads of one process.

A hit takes no lock and moves nothing; it marks the entry. Who makes room goes round from the oldest
and gives marked entries another turn (CLOCK), so that a scan of things asked for once does not
drive out what is asked for all the time.
"""

from __future__ import annotations

import sys
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable
from typing import Any, Final

from .clock import ALL
from .entry import Entry
from .sharing import Sharing, copy_of_row, sharing_of, size_of

_OVERHEAD: Final = 900
"""Bytes for the objects around a value: entry, freshness, places in dicts."""


class Held:
    """A value in the process, with what a hit needs in its own slots."""

    __slots__ = (
        "entry",
        "first",
        "good_until",
        "is_marked",
        "key",
        "sharing",
        "size",
        "soft",
        "value",
    )

    def __init__(self, key: str, entry: Entry, good_until: float) -> None:
        self.key = key
        self.entry = entry
        self.good_until = good_until
        """Until when it is used without a thought: before it expires, or is to be renewed early."""
        self.is_marked = False
        self.soft = False
        self.first = [entry.value()]
        self.sharing: Sharing | None = None
        self.value: Any = None
        self.size = 0

    def weigh(self) -> int:
        """Make ready for many readers: how they share the value, and about how many bytes it takes.

        Before anybody else knows of it.
        """
        entry, value = self.entry, self.first.pop() if self.first else self.entry.value()
        self.sharing = sharing_of(value)
        if self.sharing is not Sharing.PACKED:
            self.value = value
        text = sum(map(sys.getsizeof, entry.groups)) + sys.getsizeof(self.key)
        self.size = size_of(self.value) + sys.getsizeof(entry.payload) + text + _OVERHEAD
        return self.size

    def get(self) -> Any:
        """The value: itself where nobody can change it, else the reader's own copy."""
        if self.sharing is Sharing.SHARED:
            return self.value
        if self.sharing is Sharing.ROW:
            return copy_of_row(self.value)
        if self.sharing is None:
            try:  # not kept, so most likely read once; `suppress` would take as long as all this
                return self.first.pop()
            except IndexError:
                pass
        return self.entry.value()


class ProcessLayer:
    """`limit` in bytes; 0 keeps nothing."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.bytes = 0
        self.evictions = 0
        self._lock = threading.RLock()
        self._held: OrderedDict[str, Held] = OrderedDict()
        self._by_group: dict[str, set[str]] = {}
        self.get: Callable[[str], Held | None] = self._held.get
        """The entry under a key, whatever its age; to mark it is the reader's part."""

    def __len__(self) -> int:
        return len(self._held)

    def __repr__(self) -> str:
        return f"<ProcessLayer: {len(self)} entries, {self.bytes} of {self.limit} bytes>"

    def put(self, held: Held) -> bool:
        """Keep it, if it may ever fit; whether it was."""
        with self._lock:
            self._drop(held.key)
            if held.weigh() > self.limit // 2:
                return False
            self._held[held.key] = held
            self.bytes += held.size
            for name in held.entry.groups:
                self._by_group.setdefault(name, set()).add(held.key)
            while self.bytes > self.limit:
                self._evict_one()
        return held.key in self._held

    def drop(self, key: str) -> None:
        """Forget one entry."""
        with self._lock:
            self._drop(key)

    def invalidate(self, groups: Iterable[str], clock: int | None = None, *, soft: bool) -> int:
        """Drop (soft: make stale) what belongs to `groups` and was loaded before `clock`."""
        found = 0
        with self._lock:
            for name in groups:
                keys: Iterable[str] = self._held if name == ALL else self._by_group.get(name, set())
                for key in list(keys):
                    found += self._invalidate_one(key, clock, soft)
        return found

    def clear(self) -> None:
        """Drop everything."""
        with self._lock:
            self._held.clear()
            self._by_group.clear()
            self.bytes = 0

    def _invalidate_one(self, key: str, clock: int | None, soft: bool) -> bool:
        held = self._held[key]
        at = held.entry.at
        if clock is not None and at is not None and at >= clock:
            return False  # loaded after it: this is news of long ago
        if soft:
            held.soft, held.good_until = True, 0.0
        else:
            self._drop(key)
        return True

    def _evict_one(self) -> None:
        while True:
            key, held = self._held.popitem(last=False)
            if held.is_marked:
                held.is_marked = False
                self._held[key] = held
                continue
            self._forget(held)
            self.evictions += 1
            return

    def _drop(self, key: str) -> None:
        held = self._held.pop(key, None)
        if held is not None:
            self._forget(held)

    def _forget(self, held: Held) -> None:
        self.bytes -= held.size
        for name in held.entry.groups:
            keys = self._by_group.get(name)
            if keys is not None:
                keys.discard(held.key)
                if not keys:
                    del self._by_group[name]
