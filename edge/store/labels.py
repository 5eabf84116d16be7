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

_Index: TypeAlias = "dict[N, Entry[K, V] | set[Entry[K, V]]]"
"""By name. Most have one entry, and a set for it would take more than two hundred bytes."""


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
            entry = self._urls[url]
            if isinstance(entry, set):
                found += entry
            else:
                found.append(entry)
        return found


def _found(index: _Index[N, K, V], name: N) -> Collection[Entry[K, V]]:
    found = index.get(name)
    if found is None:
        return ()
    return found if isinstance(found, set) else (found,)


def _add(index: _Index[N, K, V], name: N, entry: Entry[K, V]) -> bool:
    """Whether the name is new."""
    found = index.get(name)
    if found is None:
        index[name] = entry
        return True
    if isinstance(found, set):
        found.add(entry)
    else:
        index[name] = {found, entry}
    return False


def _remove(index: _Index[N, K, V], name: N, entry: Entry[K, V]) -> bool:
    """Whether nothing has the name any more."""
    found = index.get(name)
    if isinstance(found, set):
        found.discard(entry)
        if len(found) == 1:
            index[name] = found.pop()
        return False
    if found is not entry:
        return False
    del index[name]
    return True
