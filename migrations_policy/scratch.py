"""A scratch database: created beside the real one, filled with made-up rows, dropped at the end."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connections
from django.db.utils import DatabaseError

ALIAS = "policy_scratch"

COLUMNS = """
SELECT a.attname, t.typname, t.typcategory, a.atttypmod, a.attgenerated <> '' OR a.attidentity <> ''
FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
WHERE a.attrelid = to_regclass(quote_ident(%s)) AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY a.attnum
"""
# An SQL expression over n = 1, 2, 3 … for each category of types (pg_type.typcategory).
VALUES = {
    "N": "n",
    "S": "'v' || n",
    "B": "(n % 2 = 0)",
    "D": "timestamptz '2020-01-01' + n * interval '1 minute'",
    "T": "n * interval '1 minute'",
    "I": "'10.0.0.1'",
    "A": "'{}'",
}
BY_NAME = {
    "uuid": "md5(n::text)::uuid",
    "json": "'{}'",
    "jsonb": "'{}'",
    "bytea": "'x'::bytea",
    "date": "date '2020-01-01' + (n % 3000)::int",
    "time": "time '00:00' + n * interval '1 second'",
    "int2": "n % 30000",
}


@contextmanager
def scratch_database(like: str) -> Iterator[Any]:
    """Create an empty database on the server of the alias `like`; yield Django's connection to it.

    The connection is registered as `policy_scratch`. Raises what the server says when the role
    may not create databases.
    """
    real = connections[like]
    name = f"policy_scratch_{secrets.token_hex(6)}"
    with real._nodb_cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {name}")
        # Nothing in it is worth waiting for the disk.
        cursor.execute(f"ALTER DATABASE {name} SET synchronous_commit = off")
    connection = real.copy(ALIAS)
    connection.settings_dict = {**real.settings_dict, "NAME": name}
    connections[ALIAS] = connection
    connections.settings[ALIAS] = connection.settings_dict
    try:
        yield connection
    finally:
        connection.close()
        del connections[ALIAS]
        del connections.settings[ALIAS]
        with real._nodb_cursor() as cursor:
            cursor.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


def fill(connection: Any, tables: list[str], rows: int) -> dict[str, int]:
    """Put made-up rows into empty tables, foreign keys unchecked; return how many each got.

    A table whose checks refuse them stays empty.
    """
    filled = {}
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        for table in tables:
            try:
                filled[table] = _fill(connection, cursor, table, rows)
            except DatabaseError:
                filled[table] = 0
        cursor.execute("SET session_replication_role = DEFAULT")
        made = ", ".join(connection.ops.quote_name(name) for name, n in filled.items() if n)
        if made:  # without names the whole catalog would be read too
            cursor.execute(f"ANALYZE {made}")
    return filled


def _fill(connection: Any, cursor: Any, table: str, rows: int) -> int:
    quote = connection.ops.quote_name
    cursor.execute(COLUMNS, [table])
    names, values = [], []
    for name, kind, category, modifier, is_made in cursor.fetchall():
        value = BY_NAME.get(kind) or VALUES.get(category)
        if is_made or value is None:
            continue
        if category == "S" and modifier > 4:
            value = f"left({value}, {modifier - 4})"
        names.append(quote(name))
        values.append(value)
    target = f"{quote(table)} ({', '.join(names)})"
    cursor.execute(
        f"INSERT INTO {target} SELECT {', '.join(values)} FROM generate_series(1, {int(rows)}) n"  # noqa: S608  # names are quoted, expressions ours
    )
    return int(cursor.rowcount)
