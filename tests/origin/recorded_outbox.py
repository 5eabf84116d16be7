"""An outbox that keeps what it is given."""

from __future__ import annotations

from origin.model_groups import TABLE
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
        """Those of rows; that of their table is among all others."""
        every = {name for purge in self.purges for name in purge.groups}
        return {name for name in every if not name.startswith(TABLE)}

    @property
    def dropped_everything(self) -> bool:
        return any(purge.everything for purge in self.purges)
