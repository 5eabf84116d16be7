"""An object's place in a store: what the store notes beside it."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Final, Generic, Protocol, Self, TypeVar

from edge.core.prepared import Expiry
from edge.core.purge import Labels

PURGED: Final = float("-inf")
"""The `mark` of what was purged: never given out again, though its bytes are not free yet."""


class Storable(Protocol):
    """What a store must know of an object."""

    @property
    def labels(self) -> Labels: ...
    @property
    def expiry(self) -> Expiry: ...
    @property
    def size(self) -> int: ...
    def softened(self, now: float) -> Self: ...


K = TypeVar("K", bound=Hashable)
V = TypeVar("V", bound=Storable)


class Entry(Generic[K, V]):
    """`value` is None once the object has left. `uses`: since it was last looked at by eviction.

    `mark`: `PURGED`, or when it was made stale without anybody having looked at it since.
    """

    __slots__ = ("in_main", "key", "mark", "uses", "value")

    def __init__(self, key: K, value: V) -> None:
        self.key = key
        self.value: V | None = value
        self.uses = 0
        self.in_main = False
        self.mark: float | None = None

    @property
    def is_live(self) -> bool:
        """Whether it is there and may be given out."""
        return self.value is not None and self.mark != PURGED

    def let_go(self) -> None:
        """It has left: nothing is held by it any more."""
        self.value = None
