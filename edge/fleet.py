"""The edge processes behind one admin port, asked as one."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Protocol

from .core.purge import Invalidation
from .core.visits import PageVisits


class Member(Protocol):
    """One process that holds a cache; `edge.Edge` is one."""

    def apply(self, invalidation: Invalidation) -> int:
        """Invalidate; the position, once nothing invalidated can be served any more."""

    def status(self) -> dict[str, Any]:
        """What it is doing."""

    def objects(self, prefix: str = "", limit: int = 100) -> list[dict[str, Any]]:
        """Stored shells and public responses, never a private byte."""

    def visits(self, prefix: str = "", limit: int = 100) -> list[PageVisits]:
        """The most visited URLs, the first the most visited."""

    def counter_snapshot(self) -> list[dict[str, Any]]:
        """`Counters.snapshot`."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """Which processes have applied the invalidation with this position."""

    position: int
    node: str
    applied: dict[str, bool] = field(default_factory=dict)

    @property
    def is_complete(self) -> bool:
        """Whether all of them have."""
        return bool(self.applied) and all(self.applied.values())

    def to_json(self) -> dict[str, Any]:
        """The answer of `POST /purge`."""
        return {
            "position": self.position,
            "node": self.node,
            "applied": self.applied,
            "complete": self.is_complete,
        }


class Fleet(Protocol):
    """What the admin API talks to."""

    @property
    def is_ready(self) -> bool:
        """Whether every process is there."""

    async def apply(self, invalidation: Invalidation, wait: float) -> Receipt:
        """Invalidate everywhere; the receipt after all answered, or `wait` seconds at the most."""

    async def status(self) -> dict[str, dict[str, Any]]:
        """The status of each process by name."""

    async def objects(self, prefix: str, limit: int) -> list[dict[str, Any]]:
        """Stored objects of one process: all hold much the same."""

    async def visits(self, prefix: str, limit: int) -> list[PageVisits]:
        """The most visited URLs, added up over the processes."""

    async def counter_snapshots(self) -> list[list[dict[str, Any]]]:
        """The counters of each process."""


class SingleProcess:
    """A fleet of one: the admin port and the cache share a process."""

    def __init__(self, member: Member, node: str) -> None:
        self._member = member
        self._node = node

    @property
    def is_ready(self) -> bool:
        """Always: the admin port answers from the same process."""
        return True

    async def apply(self, invalidation: Invalidation, wait: float) -> Receipt:
        """At once: the cache is in this process."""
        position = self._member.apply(invalidation)
        return Receipt(position, self._node, {f"{self._node}/0": True})

    async def status(self) -> dict[str, dict[str, Any]]:
        """The status of the only process."""
        return {f"{self._node}/0": self._member.status()}

    async def objects(self, prefix: str, limit: int) -> list[dict[str, Any]]:
        """Its objects."""
        return self._member.objects(prefix, limit)

    async def visits(self, prefix: str, limit: int) -> list[PageVisits]:
        """Its visits."""
        return self._member.visits(prefix, limit)

    async def counter_snapshots(self) -> list[list[dict[str, Any]]]:
        """Its counters."""
        return [self._member.counter_snapshot()]
