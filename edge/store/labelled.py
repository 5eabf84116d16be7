"""A store bounded in bytes whose objects are found by key and dropped by their labels."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable, Iterator
from typing import Final, Generic

from edge.core.purge import Invalidation
from edge.store.changes import Changes
from edge.store.deadlines import Deadlines
from edge.store.entry import PURGED, Entry, K, V
from edge.store.eviction import MAX_USES, Queues
from edge.store.labels import LabelIndex

SLICE: Final = 500
"""Entries cleared away in one go, some milliseconds; what is more waits for the next `tidy`."""


class LabelledStore(Generic[K, V]):
    """At most `limit` bytes; `edge.store.eviction` says who leaves first.

    A purge only marks what it concerns: nothing of it is given out from then on. The bytes are
    counted until they are free, which `tidy` sees to, a slice at a time. `changes` counts whatever
    makes `get` answer otherwise than before.
    """

    def __init__(self, limit: int, changes: Changes | None = None) -> None:
        self.limit = limit
        self._changes = changes or Changes()
        self.bytes = 0
        self.evictions = 0
        self._dead = 0
        """Entries that are purged and not cleared away."""
        self._purged: deque[list[Entry[K, V]]] = deque()
        """Those, as purges found them."""
        self._chores: deque[list[Entry[K, V]]] = deque()
        """Entries that somebody has to look at: made stale, or over."""
        self._retired: list[Entry[K, V]] = []
        """Those of stores that were emptied; nothing else refers to them."""
        self._begin_empty()

    def _begin_empty(self) -> None:
        self._entries: dict[K, Entry[K, V]] = {}
        self._queues: Queues[K, V] = Queues(self.limit)
        self._index: LabelIndex[K, V] = LabelIndex()
        self._deadlines: Deadlines[K, V] = Deadlines()

    def _entry(self, key: K, value: V) -> Entry[K, V]:
        return Entry(key, value)

    def __len__(self) -> int:
        return len(self._entries) - self._dead

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {len(self)} objects, {self.bytes} of {self.limit} bytes>"

    def get(self, key: K) -> V | None:
        """The object of that key, fresh or not; it counts as used."""
        entry = self._entries.get(key)
        if entry is None:
            return None
        if entry.mark is not None and not self._settle(entry):
            return None
        if entry.uses < MAX_USES:
            entry.uses += 1
        return entry.value

    def peek(self, key: K) -> V | None:
        """The same without using it."""
        entry = self._entries.get(key)
        return entry.value if entry is not None and self._settle(entry) else None

    def items(self) -> Iterator[tuple[K, V]]:
        """All objects; not to be changed meanwhile."""
        return self._live(self._entries.values())

    def items_by_worth(self) -> Iterator[tuple[K, V]]:
        """All objects, those that will stay longest first; not to be changed meanwhile."""
        return self._live(self._queues.by_worth())

    def put(self, key: K, value: V) -> bool:
        """Keep `value`; False where it is larger than the whole store."""
        return self._put(key, value) is not None

    def discard(self, key: K) -> V | None:
        """Drop the object of that key, if there is one."""
        entry = self._entries.get(key)
        if entry is None:
            return None
        value = entry.value if self._settle(entry) else None
        self._drop(entry)
        return value

    def invalidate(self, invalidation: Invalidation, now: float) -> int:
        """Drop, or make stale, all that it concerns; how many objects."""
        self._changes.count += 1
        if invalidation.everything and not invalidation.soft:
            found = len(self)
            self._retire()
        elif invalidation.everything:
            found = self._mark([list(self._entries.values())], now)
        else:
            concerned = self._concerned(invalidation)
            found = self._mark(concerned, now if invalidation.soft else PURGED)
        self.tidy(now)
        return found

    def soften(self, keys: Iterable[K], now: float) -> None:
        """Make the objects of those keys, which are there, stale."""
        self._changes.count += 1
        self._mark([[self._entries[key] for key in keys]], now)
        self.tidy(now)

    def expire(self, now: float) -> int:
        """Begin to drop what is of no more use; how many objects are gone already."""
        before = len(self)
        if due := self._deadlines.due(now):
            self._chores.append(due)
        self.tidy(now)
        return before - len(self)

    def tidy(self, now: float) -> bool:
        """Clear away a slice of what is marked or over; whether there is more."""
        for _ in range(SLICE):
            if self._free_one():
                continue
            if not self._chores:
                return False
            self._look_at(_take(self._chores), now)
        return bool(self._retired or self._purged or self._chores)

    # -- one entry

    def _put(self, key: K, value: V) -> Entry[K, V] | None:
        entry = self._entry(key, value)
        before = self._entries.get(key)
        if before is not None:
            # renewed, it keeps its standing: what people use is what gets renewed
            entry.in_main, entry.uses = before.in_main, before.uses
            self._drop(before)
        if value.size > self.limit:
            return None
        self._make_room(value.size)
        self._changes.count += 1
        self._entries[key] = entry
        self.bytes += value.size
        self._queues.add(entry, value.size)
        self._index.add(value.labels, entry)
        self._deadlines.note(entry, value.expiry.drop_at)
        return entry

    def _make_room(self, size: int) -> None:
        while self.bytes + size > self.limit and self._free_one():
            pass
        while self.bytes + size > self.limit:
            entry = self._queues.victim(len(self._entries))
            assert entry is not None, "bytes are counted that nothing has"
            self.evictions += entry.is_live
            self._drop(entry)

    def _drop(self, entry: Entry[K, V]) -> None:
        value = entry.value
        assert value is not None
        self._changes.count += 1
        del self._entries[entry.key]
        self.bytes -= value.size
        self._dead -= entry.mark == PURGED
        self._index.remove(value.labels, entry)
        entry.let_go()
        self._queues.left(entry, value.size)

    def _settle(self, entry: Entry[K, V]) -> bool:
        """Do what the entry is marked for; whether it may be given out."""
        mark = entry.mark
        if mark is None:
            return entry.value is not None
        if mark == PURGED or entry.value is None:
            return False
        # same labels, same size: only its times change
        entry.mark, entry.value = None, entry.value.softened(mark)
        self._deadlines.note(entry, entry.value.expiry.drop_at)
        return True

    def _look_at(self, entry: Entry[K, V], now: float) -> None:
        if entry.value is None:
            return
        if not self._settle(entry) or entry.value.expiry.drop_at <= now:
            self._drop(entry)

    # -- many

    def _live(self, entries: Iterable[Entry[K, V]]) -> Iterator[tuple[K, V]]:
        for entry in entries:
            if self._settle(entry):
                assert entry.value is not None
                yield entry.key, entry.value

    def _concerned(self, invalidation: Invalidation) -> Iterator[Collection[Entry[K, V]]]:
        for url in invalidation.urls:
            yield self._index.of_url(url)
        for group in invalidation.groups:
            yield self._of_group(group)
        for prefix in invalidation.prefixes:
            yield self._index.of_prefix(prefix)

    def _of_group(self, group: str) -> Collection[Entry[K, V]]:
        return self._index.of_group(group)

    def _mark(self, concerned: Iterable[Iterable[Entry[K, V]]], mark: float) -> int:
        """The only thing that a purge waits for: a pass over what it concerns, freeing nothing."""
        marked: list[Entry[K, V]] = []
        for entries in concerned:
            for entry in entries:
                if entry.mark is None:
                    entry.mark = mark
                    marked.append(entry)
                elif entry.mark != PURGED and entry.mark != mark:
                    self._settle(entry)
                    entry.mark = mark
                    marked.append(entry)
        if marked and mark == PURGED:
            self._dead += len(marked)
            self._purged.append(marked)
        elif marked:
            self._chores.append(marked)
        return len(marked)

    def _retire(self) -> None:
        """Begin again with nothing; the bytes are counted until they are free."""
        self._retired += self._entries.values()
        self._purged.clear()
        self._chores.clear()
        self._dead = 0
        self._begin_empty()

    def _free_one(self) -> bool:
        """Free what one purged entry takes; whether there was one."""
        if self._retired:
            entry = self._retired.pop()
            if entry.value is not None:
                self.bytes -= entry.value.size
                entry.let_go()
        elif self._purged:
            entry = _take(self._purged)
            if entry.value is not None:
                self._drop(entry)
        else:
            return False
        return True


def _take(lists: deque[list[Entry[K, V]]]) -> Entry[K, V]:
    """The next entry of lists of which none is empty."""
    entry = lists[0].pop()
    if not lists[0]:
        lists.popleft()
    return entry
