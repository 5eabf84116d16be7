"""Asks a real database for the facts that rules use: versions, rows, heat, columns, replicas."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from .facts import ColumnFacts, Database, TableFacts
from .lag import replica_count
from .settings import Settings

# Statements a minute since statistics were reset, from which on a table counts as hot.
HOT_STATEMENTS_PER_MINUTE = 60.0

TABLES = """
SELECT c.relname, GREATEST(c.reltuples, COALESCE(s.n_live_tup, 0), 0)::bigint,
       pg_relation_size(c.oid),
       (COALESCE(s.seq_scan + s.idx_scan + s.n_tup_ins + s.n_tup_upd + s.n_tup_del, 0))::bigint,
       ARRAY(SELECT x.relname FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid
             WHERE i.indrelid = c.oid AND NOT i.indisvalid)
FROM pg_class c LEFT JOIN pg_stat_user_tables s ON s.relid = c.oid
WHERE c.relkind IN ('r', 'p') AND pg_table_is_visible(c.oid)
  AND c.relnamespace NOT IN ('pg_catalog'::regnamespace, 'information_schema'::regnamespace)
"""
COLUMNS = """
SELECT c.relname, a.attname, NOT a.attnotnull, a.atthasdef,
       format_type(a.atttypid, a.atttypmod)
FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
WHERE a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'p')
  AND pg_table_is_visible(c.oid)
  AND c.relnamespace NOT IN ('pg_catalog'::regnamespace, 'information_schema'::regnamespace)
"""
MINUTES = """
SELECT GREATEST(EXTRACT(epoch FROM now() - COALESCE(stats_reset, pg_postmaster_start_time()))
                / 60, 1)
FROM pg_stat_database WHERE datname = current_database()
"""
FUNCTIONS = """
SELECT proname, provolatile::text FROM pg_proc
WHERE pronamespace <> 'pg_catalog'::regnamespace AND prokind = 'f'
"""
TIMEOUTS = """
SELECT name, setting::bigint FROM pg_settings WHERE name IN ('lock_timeout', 'statement_timeout')
"""


def read_database(connection: Any, settings: Settings) -> Database:
    """Return the facts of the database behind a Django connection."""
    with connection.cursor() as cursor:

        def rows(sql: str) -> list[Any]:
            cursor.execute(sql)
            return list(cursor.fetchall())

        columns: dict[str, dict[str, ColumnFacts]] = {}
        for table, column, nullable, has_default, kind in rows(COLUMNS):
            columns.setdefault(table, {})[column] = ColumnFacts(nullable, has_default, kind)
        minutes = float(rows(MINUTES)[0][0])
        tables = {
            name: TableFacts(
                settings.table_rows.get(name, count),
                size,
                used / minutes >= HOT_STATEMENTS_PER_MINUTE,
                columns.get(name, {}),
                tuple(invalid),
            )
            for name, count, size, used, invalid in rows(TABLES)
        }
        timeouts = dict(rows(TIMEOUTS))
        functions = dict(rows(FUNCTIONS))
        server_version = str(rows("SHOW server_version")[0][0])
        zone = str(rows("SHOW TimeZone")[0][0]).upper()
    return Database(
        connected=True,
        version=connection.pg_version // 10_000,
        server_version=server_version.split()[0],
        tables=tables,
        hot_tables=settings.hot_tables,
        volatility=functions,
        time_zone=zone,
        lock_timeout_ms=timeouts.get("lock_timeout", 0),
        statement_timeout_ms=timeouts.get("statement_timeout", 0),
        replicas=replica_count(connection),
    )


def assumed_database(settings: Settings, time_zone: str | None = None) -> Database:
    """Return the facts to assume without a connection; `time_zone` is the one Django sets."""
    bytes_a_row = 120
    tables = {
        name: TableFacts(count, count * bytes_a_row) for name, count in settings.table_rows.items()
    }
    return Database(
        version=settings.target_version,
        assumed_rows=settings.assumed_rows,
        tables=tables,
        hot_tables=settings.hot_tables,
        time_zone=time_zone,
        lock_timeout_ms=settings.lock_timeout_ms,
        statement_timeout_ms=settings.statement_timeout_ms,
    )


def missing_files(
    connection: Any, on_disk: Collection[tuple[str, str]], app_labels: Collection[str]
) -> tuple[tuple[str, str, str], ...]:
    """Return (app, name, "applied") for migrations that ran but have no file any more."""
    from django.db.migrations.recorder import MigrationRecorder

    applied = MigrationRecorder(connection).applied_migrations()
    return tuple(
        (app, name, "applied")
        for app, name in sorted(applied)
        if app in app_labels and (app, name) not in on_disk
    )
