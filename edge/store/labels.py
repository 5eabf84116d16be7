"""Finds entries by their labels: URL, group, beginning of the URL."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final, Generic, TypeAlias, TypeVar

from sortedcontainers import SortedList

from edge.core.purge import Labels
from edge.store.entry import Entry, K, V

_LAST: Final = b"\xff"
"""Behind whatever a URL can go on with."""

N = TypeVar("N", str, bytes)

_Some: TypeAlias = "tuple[Entry[K, V], ...] | dict[Entry[K, V], None]"
_Index: TypeAlias = "dict[N, Entry[K, V] | _Some[K, V]]"
"""By name: one entry, a few, or many."""

FEW: Final = 5
"""Entries that stand in a tuple of just their number. More are the keys of a dictionary: 60 bytes
each at most, when its table has just grown. In a set it would be twice that, or more."""


class LabelIndex(Generic[K, V]):
    """The entries of one store. No URL ("") is no label: nothing can name it."""

    __slots__ = ("_groups", "_sorted", "_urls")

    def __init__(self) -> None:
        self._urls: _Index[bytes, K, V] = {}
        self._groups: _Index[str, K, V] = {}
        self._sorted: SortedList = SortedList()

    @property
    def urls(self) -> Collection[bytes]:
        """All that something is held for."""
        return self._urls.keys()

    @property
    def groups(self) -> Collection[str]:
        """All that something is in."""
        return self._groups.keys()

    def add(self, labels: Labels, entry: Entry[K, V]) -> None:
        """Make it found by these."""
        if labels.wire and _add(self._urls, labels.wire, entry):
            self._sorted.add(labels.wire)
        for group in labels.groups:
            _add(self._groups, group, entry)

    def remove(self, labels: Labels, entry: Entry[K, V]) -> None:
        """Make it found no more."""
        if labels.wire and _remove(self._urls, labels.wire, entry):
            self._sorted.remove(labels.wire)
        for group in labels.groups:
            _remove(self._groups, group, entry)

    def of_url(self, url: str) -> Collection[Entry[K, V]]:
        """Those at this URL."""
        return _found(self._urls, url.encode())

    def of_group(self, group: str) -> Collection[Entry[K, V]]:
        """Those in this group."""
        return _found(self._groups, group)

    def of_prefix(self, prefix: str) -> Collection[Entry[K, V]]:
        """Those at URLs that begin with it; no other URL is looked at."""
        found: list[Entry[K, V]] = []
        first = prefix.encode()
        for url in self._sorted.irange(first, first + _LAST):
            found += _found(self._urls, url)
        return found


def _found(index: _Index[N, K, V], name: N) -> Collection[Entry[K, V]]:
    found = index.get(name)
    if found is None:
        return ()
    return (found,) if isinstance(found, Entry) else found


def _add(index: _Index[N, K, V], name: N, entry: Entry[K, V]) -> bool:
    """Whether the name is new."""
    found = index.get(name)
    if found is None:
        index[name] = entry
        return True
    if isinstance(found, dict):
        found[entry] = None
        return False
    some: tuple[Entry[K, V], ...] = (found,) if isinstance(found, Entry) else found
    if entry not in some:
        more = (*some, entry)
        index[name] = more if len(more) <= FEW else dict.fromkeys(more)
    return False


def _remove(index: _Index[N, K, V], name: N, entry: Entry[K, V]) -> bool:
    """Whether nothing has the name any more."""
    found = index.get(name)
    if isinstance(found, dict):
        found.pop(entry, None)
        if len(found) == FEW:
            index[name] = tuple(found)
    elif isinstance(found, tuple):
        left = tuple(other for other in found if other is not entry)
        index[name] = left if len(left) > 1 else left[0]
    elif found is entry:
        del index[name]
        return True
    return False
