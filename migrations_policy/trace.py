"""The trace: runs a migration for real on a scratch database and records what it did to whom.

For every statement: the table locks held afterwards (pg_locks, read from a second connection),
tables rewritten (pg_class.relfilenode changed), rows scanned (statistics of the transaction), and
the time it took. A statement outside transactions is put into one of its own where PostgreSQL
allows it, so that its locks can be seen; where it does not (CONCURRENTLY), they are sampled.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction

from .sql.parse import parse
from .sql.statement import Statement

SAMPLE_SECONDS = 0.002
BOOKKEEPING = re.compile(
    r"django_migrations|policy_bookmark|pg_catalog|\bpg_\w+|^(SAVEPOINT|RELEASE)"
)
OUTSIDE = {"vacuum", "vacuum-full", "drop-database", "create-database"}

LOCKS = """
SELECT relation::bigint, mode FROM pg_locks
WHERE pid = %s AND locktype = 'relation' AND granted
  AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""
TABLES = """
SELECT c.oid::bigint, c.relname, c.relkind::text, c.relfilenode::bigint, c.reltablespace::bigint,
       COALESCE(s.seq_tup_read, 0), COALESCE(i.indrelid::bigint, 0)
FROM pg_class c
LEFT JOIN pg_stat_xact_user_tables s ON s.relid = c.oid
LEFT JOIN pg_index i ON i.indexrelid = c.oid
WHERE c.relkind IN ('r', 'p', 'm', 'i') AND c.relnamespace NOT IN (
    'pg_catalog'::regnamespace, 'information_schema'::regnamespace, 'pg_toast'::regnamespace)
"""
MODES = {
    "AccessShareLock": "ACCESS SHARE",
    "RowShareLock": "ROW SHARE",
    "RowExclusiveLock": "ROW EXCLUSIVE",
    "ShareUpdateExclusiveLock": "SHARE UPDATE EXCLUSIVE",
    "ShareLock": "SHARE",
    "ShareRowExclusiveLock": "SHARE ROW EXCLUSIVE",
    "ExclusiveLock": "EXCLUSIVE",
    "AccessExclusiveLock": "ACCESS EXCLUSIVE",
}


@dataclass(frozen=True, slots=True)
class Moment:
    """One statement as it ran. Locks are those held after it, earlier ones of its transaction too.

    `scanned` counts rows read by sequential scans, `rewritten` names tables with a new file.
    """

    sql: str
    kind: str
    locks: frozenset[tuple[str, str]]
    rewritten: frozenset[str] = frozenset()
    scanned: frozenset[tuple[str, int]] = frozenset()
    seconds: float = 0.0
    rows: int = -1
    in_transaction: bool = True

    def modes(self, table: str) -> frozenset[str]:
        """Return the lock modes held on a table."""
        return frozenset(mode for name, mode in self.locks if name == table)

    @property
    def works(self) -> frozenset[str]:
        """Tables that the statement read or wrote as a whole."""
        return self.rewritten | {table for table, rows in self.scanned if rows}


@dataclass(slots=True)
class Recorder:
    """Collects the moments of whatever runs on `connection` while it is recording.

    `watch` is called after each statement, while its locks are held; `around` encloses a statement
    that cannot run in a transaction.
    """

    connection: Any
    observer: Any
    watch: Callable[[Moment], None] | None = None
    around: Callable[[str], AbstractContextManager[Any]] = field(default=lambda sql: nullcontext())
    moments: list[Moment] = field(default_factory=list)
    _busy: bool = False

    @contextmanager
    def recording(self) -> Iterator[Recorder]:
        """Record the statements run inside the block."""
        with self.connection.execute_wrapper(self._wrap):
            yield self

    def _wrap(self, execute: Any, sql: Any, params: Any, many: bool, context: Any) -> Any:
        text = str(sql)
        statements = () if self._busy or BOOKKEEPING.search(text) else parse(_plain(text))
        if not statements or (statements[0].kind == "select" and not params):
            return execute(sql, params, many, context)
        statement = statements[0]
        if needs_autocommit(statement):
            return self._outside(execute, (sql, params, many, context), statement, text)
        with self._transaction(statement):
            before = self._tables()
            started = time.perf_counter()
            result = execute(sql, params, many, context)
            took = time.perf_counter() - started
            if not self.connection.closed_in_transaction and self._is_usable():
                rows = getattr(context["cursor"], "rowcount", -1)
                self._note(statement, text, before, (took, rows))
        return result

    def _is_usable(self) -> bool:
        """Whether the session is still inside the transaction (RunSQL may have ended it)."""
        return not self.connection.needs_rollback

    def _transaction(self, statement: Statement) -> AbstractContextManager[Any]:
        if self.connection.in_atomic_block or statement.kind in {"set", "transaction"}:
            return nullcontext()
        held: AbstractContextManager[Any] = transaction.atomic(using=self.connection.alias)
        return held

    def _note(
        self,
        statement: Statement,
        text: str,
        before: dict[int, tuple[Any, ...]],
        cost: tuple[float, int],
    ) -> None:
        after = self._tables()
        names = {oid: row[1] for oid, row in (before | after).items()}
        indexes = {oid: row[6] for oid, row in (before | after).items() if row[2] == "i"}
        locks = frozenset(
            (names[indexes.get(oid, oid)], mode)
            for oid, mode in self._locks()
            if oid in names and oid not in indexes and oid in before
        )
        rewritten = {
            row[1]
            for oid, row in after.items()
            if row[2] in "rm" and oid in before and before[oid][3:5] != row[3:5] and row[3]
        }
        scanned = {
            (row[1], row[5] - before[oid][5])
            for oid, row in after.items()
            if row[2] != "i" and oid in before and row[5] > before[oid][5]
        }
        kept = frozenset(scanned)
        moment = Moment(text, statement.kind, locks, frozenset(rewritten), kept, *cost)
        self.moments.append(moment)
        if self.watch:
            self.watch(moment)

    def _outside(
        self, execute: Any, arguments: tuple[Any, ...], statement: Statement, text: str
    ) -> Any:
        names = {oid: row[1] for oid, row in self._tables().items() if row[2] != "i"}
        with self.around(text), self._sampling(names) as seen:
            started = time.perf_counter()
            result = execute(*arguments)
            took = time.perf_counter() - started
        moment = Moment(text, statement.kind, frozenset(seen), seconds=took, in_transaction=False)
        self.moments.append(moment)
        return result

    @contextmanager
    def _sampling(self, names: dict[int, str]) -> Iterator[set[tuple[str, str]]]:
        """Read the locks again and again from the second connection while the block runs."""
        seen: set[tuple[str, str]] = set()
        stop = threading.Event()
        pid = self._pid()

        def sample() -> None:
            while not stop.is_set():
                for oid, mode in self._locks(pid):
                    if oid in names:
                        seen.add((names[oid], mode))
                stop.wait(SAMPLE_SECONDS)

        thread = threading.Thread(target=sample, name="lock-sampler", daemon=True)
        thread.start()
        try:
            yield seen
        finally:
            stop.set()
            thread.join()

    def _pid(self) -> int:
        return int(self._own("SELECT pg_backend_pid()")[0][0])

    def _own(self, sql: str) -> list[Any]:
        self._busy = True
        try:
            with self.connection.cursor() as cursor:
                cursor.execute(sql)
                return list(cursor.fetchall())
        finally:
            self._busy = False

    def _tables(self) -> dict[int, tuple[Any, ...]]:
        return {row[0]: tuple(row) for row in self._own(TABLES)}

    def _locks(self, pid: int | None = None) -> list[tuple[int, str]]:
        with self.observer.cursor() as cursor:
            cursor.execute(LOCKS, [pid or self._pid()])
            return [(oid, MODES.get(mode, mode)) for oid, mode in cursor.fetchall()]


def _plain(text: str) -> str:
    return text.replace("%%", "%") if "%s" not in text else re.sub(r"%s", "NULL", text)


def needs_autocommit(statement: Statement) -> bool:
    """Return whether PostgreSQL refuses the statement inside a transaction."""
    detaches = any(action.concurrently for action in statement.actions)
    return statement.concurrently or detaches or statement.kind in OUTSIDE
