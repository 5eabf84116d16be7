"""The engine of backfills: key ranges, a bookmark in the database, a throttle by replica lag."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from ..lag import ReplicaLag
from ..progress import Progress

logger = logging.getLogger("migrations_policy")

BOOKMARKS = "policy_bookmark"


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast a backfill may go: rows a batch, seconds between batches, tolerated lag."""

    batch_size: int = 1000
    pause: float = 0.0
    max_lag: float = 5.0
    lag_poll: float = 0.5


class Bookmark:
    """Remembers the last finished key of a backfill, in the same transaction as its batch."""

    def __init__(self, connection: Any, name: str) -> None:
        self.connection = connection
        self.name = name
        with connection.cursor() as cursor:
            cursor.execute(
                f"CREATE TABLE IF NOT EXISTS {BOOKMARKS} "
                "(name text PRIMARY KEY, last_key text NOT NULL)"
            )

    def read(self) -> str | None:
        """Return the last finished key, None at the start."""
        with self.connection.cursor() as cursor:
            cursor.execute(f"SELECT last_key FROM {BOOKMARKS} WHERE name = %s", [self.name])  # noqa: S608  # our constant
            row = cursor.fetchone()
        return row[0] if row else None

    def write(self, key: Any) -> None:
        """Remember the key."""
        with self.connection.cursor() as cursor:
            cursor.execute(
                f"INSERT INTO {BOOKMARKS} VALUES (%s, %s) "  # noqa: S608  # our constant
                "ON CONFLICT (name) DO UPDATE SET last_key = EXCLUDED.last_key",
                [self.name, str(key)],
            )

    def clear(self) -> None:
        """Forget the backfill: it is complete."""
        with self.connection.cursor() as cursor:
            cursor.execute(f"DELETE FROM {BOOKMARKS} WHERE name = %s", [self.name])  # noqa: S608  # our constant


def run_batches(
    connection: Any,
    name: str,
    next_key: Callable[[Any, int], Any],
    update: Callable[[Any, Any], int],
    *,
    pace: Pace,
    total: int,
    to_key: Callable[[str], Any] = str,
) -> int:
    """Update key range after key range, each in its own transaction; return the rows changed.

    `next_key(after, size)` returns the upper end of the next range or None at the end;
    `update(after, upto)` changes the rows in between. A broken run is taken up at its bookmark.
    """
    bookmark = Bookmark(connection, name)
    stored = bookmark.read()
    after = None if stored is None else to_key(stored)
    if after is not None:
        logger.info("backfill %s goes on after key %s", name, after)
    progress = Progress(name, total)
    replicas = ReplicaLag(connection)
    _wait(replicas, pace, replicas.settle(pace.max_lag, time.sleep))
    changed = 0
    while (upto := next_key(after, pace.batch_size)) is not None:
        with transaction.atomic(using=connection.alias):
            changed += update(after, upto)
            bookmark.write(upto)
        after = upto
        progress.advance(changed)
        _wait(replicas, pace, replicas.seconds())
    bookmark.clear()
    progress.finish(changed)
    return changed


def _wait(replicas: ReplicaLag, pace: Pace, lag: float) -> None:
    """Let replicas catch up, then rest for the pause."""
    while lag > pace.max_lag:
        logger.info("replicas are %.1f s behind; the backfill waits", lag)
        time.sleep(pace.lag_poll)
        lag = replicas.seconds()
    if pace.pause:
        time.sleep(pace.pause)
