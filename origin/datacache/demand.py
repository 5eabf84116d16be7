"""How new a load must be, so that a replica that is behind brings nothing old back."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple


class Demand(NamedTuple):
    """A position in the primary's log that a load must have seen.

    `ask`: nobody remembers how new is new enough, so it is where the primary stands now.
    """

    lsn: int = 0
    ask: bool = False


NOTHING: Final = Demand()


def strictest(demands: Iterable[Demand]) -> Demand:
    """One that all of them are met by."""
    found = list(demands)
    return Demand(max((one.lsn for one in found), default=0), any(one.ask for one in found))
