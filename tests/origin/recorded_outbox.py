"""An outbox that keeps what it is given."""

from __future__ import annotations

from origin.purge import Purge
from origin.receipts import Receipt


class RecordedOutbox:
    def __init__(self) -> None:
        self.purges: list[Purge] = []

    def offer(self, purge: Purge) -> Receipt:
        self.purges.append(purge)
        return Receipt(0)

    @property
    def groups(self) -> set[str]:
        return {name for purge in self.purges for name in purge.groups}

    @property
    def dropped_everything(self) -> bool:
        return any(purge.everything for purge in self.purges)
