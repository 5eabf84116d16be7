"""Finds and drops invalid indexes that a broken concurrent build left behind."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..facts import Migration

# _ccnew/_ccold are what a broken REINDEX CONCURRENTLY leaves.
INVALID = """
SELECT c.relname FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
WHERE NOT i.indisvalid AND pg_table_is_visible(c.oid)
  AND (c.relname = ANY (%s) OR c.relname ~ '_cc(new|old)[0-9]*$'
       AND i.indrelid IN (SELECT oid FROM pg_class WHERE relname = ANY (%s)))
  AND NOT EXISTS (SELECT FROM pg_stat_progress_create_index p WHERE p.index_relid = i.indexrelid)
"""


def built_indexes(migration: Migration) -> tuple[list[str], list[str]]:
    """Return the names of indexes the migration builds, and the tables it reindexes."""
    names, tables = [], []
    for _, statement in migration.statements():
        if statement.kind == "create-index" and statement.name:
            names.append(statement.name)
        if statement.kind == "reindex" and statement.table:
            tables.append(statement.table)
    return names, tables


def drop_invalid(connection: Any, names: Iterable[str], tables: Iterable[str]) -> list[str]:
    """Drop invalid indexes with these names, or of a reindex of these tables; return them."""
    with connection.cursor() as cursor:
        cursor.execute(INVALID, [list(names), list(tables)])
        found = [row[0] for row in cursor.fetchall()]
        for name in found:
            quoted = connection.ops.quote_name(name)
            cursor.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {quoted}")
    return found
