"""What choosing and failing over need of a thread's connections: the seam to `base`."""

from contextlib import AbstractContextManager
from typing import Any, Protocol

from django.db.backends.base.base import BaseDatabaseWrapper

from ...nodes import Node
from .link import Link, Place


class Connections(Protocol):
    """One thread's links under the replica alias, and its primary."""

    links: dict[str, Link]

    @property
    def primary(self) -> BaseDatabaseWrapper:
        """The primary's alias in this thread."""

    @property
    def in_transaction(self) -> bool:
        """Is a transaction open on the replica alias?"""

    @property
    def wrap_database_errors(self) -> AbstractContextManager[Any]:
        """Turns the driver's exceptions into Django's."""

    def open_link(self, node: Node) -> Link:
        """Connect; raises Django's errors."""

    def use(self, link: Link) -> None:
        """Make it the current connection."""

    def discard(self, link: Link) -> None:
        """Close and forget it."""

    def discard_all(self) -> None:
        """Close and forget all links."""

    def create_cursor(self, name: str | None = None) -> Any:
        """A driver's cursor on the current link."""

    def create_primary_cursor(self, name: str | None) -> Any:
        """A driver's cursor on the primary's connection."""


class Movable(Protocol):
    """A cursor that can continue at another place."""

    place: Place
    name: str | None

    def move(self, place: Place, cursor: Any) -> None:
        """Continue there, with this cursor of the driver's."""
