"""Passes on what triggers have noted: from their table to data caches and edges."""

from __future__ import annotations

import select
from typing import Any, Final

from django.db import connections

from ..invalidation import invalidate_groups
from .triggers import CHANNEL, TABLE

BATCH: Final = 1000
"""Statements whose groups are passed on together."""


def pass_on(using: str) -> int:
    """Purge what was noted and committed so far; how many statements noted it.

    Rows go when their purge is on its way: a relay that dies between purges them once more.
    """
    total = 0
    with connections[using].cursor() as cursor:
        while True:
            cursor.execute(f"SELECT id, groups FROM {TABLE} ORDER BY id LIMIT {BATCH}")  # noqa: S608
            rows = cursor.fetchall()
            if not rows:
                return total
            names = dict.fromkeys(name for _, groups in rows for name in groups)
            invalidate_groups(*names, using=using)
            cursor.execute(f"DELETE FROM {TABLE} WHERE id = ANY(%s)", [[row[0] for row in rows]])  # noqa: S608
            total += len(rows)


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
