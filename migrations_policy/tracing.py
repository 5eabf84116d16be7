"""Traces migrations of a project on a scratch database, and scales them to the real one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import connections
from django.db.migrations.executor import MigrationExecutor

from .facts import Traced, TracedStatement
from .scratch import fill, scratch_database
from .sql.parse import tables_of
from .trace import Moment, Recorder

Key = tuple[str, str]
BLOCKS_READS = {"ACCESS EXCLUSIVE"}
BLOCKS_WRITES = BLOCKS_READS | {"EXCLUSIVE", "SHARE ROW EXCLUSIVE", "SHARE"}

STATEMENTS = """
SELECT query, calls FROM pg_stat_statements
WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
ORDER BY calls DESC LIMIT 500
"""
TRAFFIC = """
SELECT relname, (COALESCE(seq_scan, 0) + COALESCE(idx_scan, 0))::bigint,
       (n_tup_ins + n_tup_upd + n_tup_del)::bigint, GREATEST(n_live_tup, 0)::bigint
FROM pg_stat_user_tables
"""


def trace_plan(using: str, keys: Sequence[Key], *, rows: int = 1000) -> tuple[Traced, ...]:
    """Run the migrations one by one, forward, back and forward again, recording each.

    `rows` made-up rows stand in every table when a migration meets it.
    """
    shop = Shop(connections[using])
    traces: list[Traced] = []
    with scratch_database(using) as connection:
        observer = connection.copy("policy_observer")
        observer.inc_thread_sharing()
        try:
            for key in keys:
                traces += _trace(connection, observer, key, rows, shop)
                if traces[-1].error and traces[-1].direction == "forward":
                    break
        finally:
            observer.close()
    return tuple(traces)


def _trace(connection: Any, observer: Any, key: Key, rows: int, shop: Shop) -> list[Traced]:
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan([key])
    earlier = [step for step in plan if (step[0].app_label, step[0].name) != key]
    if earlier:
        executor.migrate([(m.app_label, m.name) for m, _ in earlier], plan=earlier)
    tables = connection.introspection.table_names()
    filled = fill(connection, [name for name in tables if name != "django_migrations"], rows)
    label = ".".join(key)
    traces = [_direction(executor, observer, key, False)]
    if not traces[0][1]:
        traces.append(_direction(executor, observer, key, True))
        if not traces[1][1]:
            _apply(executor, key, backwards=False)
    names = ("forward", "back")
    return [
        Traced(label, name, tuple(shop.scaled(m, filled) for m in moments), error)
        for name, (moments, error) in zip(names, traces, strict=False)
    ]


def _direction(
    executor: MigrationExecutor, observer: Any, key: Key, backwards: bool
) -> tuple[list[Moment], str]:
    recorder = Recorder(executor.connection, observer)
    try:
        with recorder.recording():
            _apply(executor, key, backwards)
    except Exception as error:  # noqa: BLE001  # a migration may raise anything; it is reported
        executor.connection.close()
        return recorder.moments, f"{type(error).__name__}: {error}"
    return recorder.moments, ""


def _apply(executor: MigrationExecutor, key: Key, backwards: bool) -> None:
    # What is applied has changed since the loader looked; the files have not.
    loader: Any = executor.loader  # its stub wants another kind of migration here
    loader.applied_migrations = executor.recorder.applied_migrations()
    migration = executor.loader.graph.nodes[key]
    if backwards:
        parents = executor.loader.graph.node_map[key].parents
        targets = [parent.key for parent in sorted(parents)] or [(key[0], None)]
        executor.migrate(targets, plan=[(migration, True)])
    else:
        executor.migrate([key], plan=[(migration, False)])


class Shop:
    """The real database: how large its tables are and what asks for them."""

    def __init__(self, connection: Any) -> None:
        self.rows: dict[str, int] = {}
        self.traffic: dict[str, tuple[int, int]] = {}
        self.queries: list[tuple[str, int, frozenset[str], bool]] = []
        with connection.cursor() as cursor:
            cursor.execute(TRAFFIC)
            for table, reads, writes, live in cursor.fetchall():
                self.rows[table] = live
                self.traffic[table] = (reads, writes)
            cursor.execute("SELECT to_regclass('pg_stat_statements') IS NOT NULL")
            if cursor.fetchone()[0]:
                cursor.execute(STATEMENTS)
                for query, calls in cursor.fetchall():
                    tables, is_write = tables_of(query)
                    if tables:
                        self.queries.append((query, calls, tables, is_write))

    def scaled(self, moment: Moment, filled: dict[str, int]) -> TracedStatement:
        """Return the moment as it would be on the real tables."""
        factor = max(
            (self.rows.get(t, 0) / filled[t] for t in moment.works if filled.get(t)), default=1.0
        )
        return TracedStatement(
            moment.sql,
            tuple(sorted(moment.locks)),
            tuple(sorted(moment.rewritten)),
            tuple(sorted(moment.scanned)),
            moment.seconds,
            moment.seconds * max(factor, 1.0),
            tuple(self._waiting(moment)),
        )

    def _waiting(self, moment: Moment) -> list[str]:
        reads = {table for table, mode in moment.locks if mode in BLOCKS_READS}
        writes = {table for table, mode in moment.locks if mode in BLOCKS_WRITES}
        known = [
            f"{' '.join(query.split())[:80]} ({calls:,} calls)"
            for query, calls, tables, is_write in self.queries
            if tables & (writes if is_write else reads)
        ]
        if known:
            return known[:10]
        told = []
        for table in sorted(writes):
            read_count, write_count = self.traffic.get(table, (0, 0))
            if table in reads:
                told.append(f"every SELECT on {table} ({read_count:,} scans so far)")
            told.append(f"every write to {table} ({write_count:,} rows so far)")
        return told
