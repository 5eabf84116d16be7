"""A link: one thread's connection to one node, with what Django keeps per connection."""

from contextlib import suppress
from enum import Enum
from typing import Any

from ...deadline import new_fuse
from .django_parts import Database


class Link:
    """A driver connection and its fuse. `incarnation` is the server's life, once asked, and `pid`
    the server process at the other end."""

    __slots__ = (
        "close_at",
        "connection",
        "fuse",
        "health_check_done",
        "incarnation",
        "name",
        "pid",
    )

    def __init__(self, name: str, connection: Any) -> None:
        self.name = name
        self.connection = connection
        self.fuse = new_fuse(connection.fileno())
        self.close_at: float | None = None
        self.health_check_done = True
        self.incarnation: float | None = None
        self.pid: int = connection.info.backend_pid

    def __repr__(self) -> str:
        return f"<Link {self.name}{' blown' if self.fuse.is_blown else ''}>"

    @property
    def is_broken(self) -> bool:
        """Has the watchdog cut it, or the driver given it up?"""
        return self.fuse.is_blown or bool(self.connection.closed)

    def close(self) -> None:
        """Close it, or give it back to its pool."""
        self.fuse.close()
        give_back(self.connection)


def give_back(connection: Any) -> None:
    """Return a connection to the pool it came from, else close it; never raises."""
    pool = getattr(connection, "_pool", None)
    with suppress(Database.Error):
        if pool is None:
            connection.close()
        else:
            pool.putconn(connection)


class Reason(Enum):
    """Why the primary serves a read meant for replicas."""

    POSITION = "position"
    NO_NODE = "no-node"
    STALE_SCHEMA = "stale-schema"

    @property
    def is_limited(self) -> bool:
        """Does `FALLBACK` and its limit apply? A visitor's own writes are always read."""
        return self is not Reason.POSITION


# Where a read runs: on a node, or on the primary for a reason.
Place = Link | Reason
