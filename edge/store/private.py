"""Private fragments: in this process's memory and nowhere else, with a cap for each visitor."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field

from edge.core.fragment_key import FragmentKey
from edge.core.prepared import PreparedFragment
from edge.store.changes import Changes
from edge.store.labelled import LabelledStore


@dataclass(slots=True)
class _Account:
    """What one visitor holds, oldest first."""

    bytes: int = 0
    sizes: OrderedDict[FragmentKey, int] = field(default_factory=OrderedDict)


class PrivateStore(LabelledStore[FragmentKey, PreparedFragment]):
    """A store that also counts by visitor, so that nobody can push out all the others."""

    def __init__(self, limit: int, limit_per_visitor: int, changes: Changes | None = None) -> None:
        super().__init__(limit, changes)
        self.limit_per_visitor = limit_per_visitor
        self._accounts: dict[bytes, _Account] = {}
        self._account_of: dict[FragmentKey, bytes] = {}

    @property
    def visitors(self) -> int:
        """How many visitors something is held for."""
        return len(self._accounts)

    def put_for(self, account: bytes, key: FragmentKey, value: PreparedFragment) -> bool:
        """Keep `value` for that visitor, whose own oldest fragments make room.

        False where it is larger than all that one visitor may hold.
        """
        if value.size > self.limit_per_visitor or not self.put(key, value):
            self.discard(key)
            return False
        held = self._accounts.setdefault(account, _Account())
        held.sizes[key] = value.size
        held.bytes += value.size
        self._account_of[key] = account
        while held.bytes > self.limit_per_visitor:
            self.discard(next(iter(held.sizes)))
            self.evictions += 1
        return key in self._objects

    def discard(self, key: FragmentKey) -> PreparedFragment | None:
        """Drop the fragment of that key, if there is one."""
        account = self._account_of.pop(key, None)
        if account is not None:
            held = self._accounts[account]
            held.bytes -= held.sizes.pop(key)
            if not held.sizes:
                del self._accounts[account]
        return super().discard(key)
