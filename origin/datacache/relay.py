"""Passes on what triggers have noted: from their table to data caches and edges."""

from __future__ import annotations

import select
from typing import Any, Final

from django.db import connections

from ..invalidation import invalidate_groups
from ..outbox import get_outbox
from .layers import get_levels
from .triggers import CHANNEL, TABLE

BATCH: Final = 1000
"""Statements whose groups are passed on together."""


class Relay:
    """Passes on the notes in the database `using`.

    They stay there until Redis and every edge have taken their purge: another relay, after this
    one was killed, purges them once more, which does no harm.
    """

    def __init__(self, using: str) -> None:
        self._using = using
        self._passed: set[int] = set()

    def __repr__(self) -> str:
        return f"<Relay of {self._using!r}: {len(self._passed)} passed on and not taken by all>"

    def pass_on(self) -> int:
        """Purge what was noted and committed so far; how many statements noted it."""
        total = 0
        while rows := self._noted():
            names = dict.fromkeys(name for _, groups in rows for name in groups)
            invalidate_groups(*names, using=self._using)
            self._passed.update(row[0] for row in rows)
            total += len(rows)
        self.settle()
        return total

    def settle(self) -> int:
        """Forget the notes whose purges have arrived everywhere; how many are left."""
        if self._passed and get_levels().deliver() and get_outbox().has_sent_all:
            with connections[self._using].cursor() as cursor:
                cursor.execute(f"DELETE FROM {TABLE} WHERE id = ANY(%s)", [list(self._passed)])  # noqa: S608
            self._passed.clear()
        return len(self._passed)

    def _noted(self) -> list[tuple[int, list[str]]]:
        # not `id > newest`: a transaction may commit after one that has noted something later
        with connections[self._using].cursor() as cursor:
            cursor.execute(
                f"SELECT id, groups FROM {TABLE} WHERE NOT id = ANY(%s) ORDER BY id LIMIT {BATCH}",  # noqa: S608
                [list(self._passed)],
            )
            found: list[tuple[int, list[str]]] = cursor.fetchall()
        return found


def listen(using: str) -> None:
    """Be woken by changes from now on."""
    with connections[using].cursor() as cursor:
        cursor.execute(f"LISTEN {CHANNEL}")


def wait(using: str, timeout: float) -> None:
    """Return when something was noted, or after `timeout` seconds."""
    connection: Any = connections[using].connection
    select.select([connection.fileno()], [], [], timeout)
    if hasattr(connection, "notifies") and callable(connection.notifies):
        for _ in connection.notifies(timeout=0):  # psycopg 3
            pass
    else:
        connection.poll()
        connection.notifies.clear()
