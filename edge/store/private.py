"""Private fragments: in this process's memory and nowhere else, with a cap for each visitor."""

from __future__ import annotations

from dataclasses import dataclass, field

from edge.core.fragment_key import FragmentKey
from edge.core.prepared import PreparedFragment
from edge.store.changes import Changes
from edge.store.entry import Entry
from edge.store.labelled import LabelledStore


class _Entry(Entry[FragmentKey, PreparedFragment]):
    """One that counts against somebody."""

    __slots__ = ("account",)

    def __init__(self, key: FragmentKey, value: PreparedFragment) -> None:
        super().__init__(key, value)
        self.account: _Account | None = None

    def let_go(self) -> None:
        """It has left."""
        super().let_go()
        self.account = None


@dataclass(slots=True, eq=False)
class _Account:
    """What one visitor holds, oldest first."""

    name: bytes
    bytes: int = 0
    entries: dict[_Entry, None] = field(default_factory=dict)


class PrivateStore(LabelledStore[FragmentKey, PreparedFragment]):
    """A store that also counts by visitor, so that nobody can push out all the others."""

    def __init__(self, limit: int, limit_per_visitor: int, changes: Changes | None = None) -> None:
        self.limit_per_visitor = limit_per_visitor
        self._accounts: dict[bytes, _Account] = {}
        super().__init__(limit, changes)

    @property
    def visitors(self) -> int:
        """How many visitors something is held for."""
        return len(self._accounts)

    def put_for(self, account: bytes, key: FragmentKey, value: PreparedFragment) -> bool:
        """Keep `value` for that visitor, whose own oldest fragments make room.

        False where it is larger than all that one visitor may hold.
        """
        if value.size > self.limit_per_visitor:
            self.discard(key)
            return False
        entry = self._put(key, value)
        if entry is None:
            return False
        assert isinstance(entry, _Entry)
        held = self._accounts.setdefault(account, _Account(account))
        held.entries[entry] = None
        held.bytes += value.size
        entry.account = held
        while held.bytes > self.limit_per_visitor:
            oldest = next(iter(held.entries))
            self.evictions += oldest.is_live
            self._drop(oldest)
        return True

    def _begin_empty(self) -> None:
        super()._begin_empty()
        self._accounts = {}

    def _entry(self, key: FragmentKey, value: PreparedFragment) -> _Entry:
        return _Entry(key, value)

    def _drop(self, entry: Entry[FragmentKey, PreparedFragment]) -> None:
        assert isinstance(entry, _Entry)
        account, value = entry.account, entry.value
        if account is not None and value is not None:
            account.bytes -= value.size
            del account.entries[entry]
            if not account.entries:
                del self._accounts[account.name]
        super()._drop(entry)
