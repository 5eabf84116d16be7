"""The time limits of a guarded session: for locks and statements, none for concurrent builds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from ..sql.parse import parse
from ..trace import needs_autocommit

# These block nobody while they work, and are allowed to take their time.
PATIENT = {"validate-constraint"}
IGNORED = {"select", "set", "transaction", "empty", "unparsed"}


@dataclass(frozen=True, slots=True)
class Limits:
    """Milliseconds; 0 is no limit."""

    lock_timeout_ms: int = 2000
    statement_timeout_ms: int = 10_000


@contextmanager
def limited(
    connection: Any, limits: Limits, before_statement: Callable[[str], None]
) -> Iterator[None]:
    """Run the block under the limits; what the session had before is restored.

    `before_statement` is called ahead of every statement that changes something.
    """
    with connection.cursor() as cursor:
        cursor.execute("SHOW lock_timeout")
        lock_before = cursor.fetchone()[0]
        cursor.execute("SHOW statement_timeout")
        statement_before = cursor.fetchone()[0]
    session = Session(connection, limits, before_statement)
    session.apply(limits)
    try:
        with connection.execute_wrapper(session.wrap):
            yield
    finally:
        if connection.is_usable():
            with connection.cursor() as cursor:
                cursor.execute(
                    "SELECT set_config('lock_timeout', %s, false), "
                    "set_config('statement_timeout', %s, false)",
                    [lock_before, statement_before],
                )


class Session:
    """Switches the limits off around patient statements."""

    def __init__(
        self, connection: Any, limits: Limits, before_statement: Callable[[str], None]
    ) -> None:
        self.connection = connection
        self.limits = limits
        self.before_statement = before_statement
        self._busy = False

    def apply(self, limits: Limits) -> None:
        """Set the session's limits."""
        self._busy = True
        try:
            with self.connection.cursor() as cursor:
                cursor.execute(
                    "SELECT set_config('lock_timeout', %s, false), "
                    "set_config('statement_timeout', %s, false)",
                    [f"{limits.lock_timeout_ms}ms", f"{limits.statement_timeout_ms}ms"],
                )
        finally:
            self._busy = False

    def wrap(self, execute: Any, sql: Any, params: Any, many: bool, context: Any) -> Any:
        """Run one statement; an execute wrapper of Django's."""
        statements = () if self._busy else parse(str(sql).replace("%s", "NULL"))
        if not statements or statements[0].kind in IGNORED:
            return execute(sql, params, many, context)
        self._busy = True
        try:
            self.before_statement(str(sql))
        finally:
            self._busy = False
        statement = statements[0]
        kinds = {action.kind for action in statement.actions}
        if not needs_autocommit(statement) and not (kinds and kinds <= PATIENT):
            return execute(sql, params, many, context)
        # CONCURRENTLY waits for transactions by locking them: lock_timeout would end it.
        self.apply(Limits(0 if needs_autocommit(statement) else self.limits.lock_timeout_ms, 0))
        try:
            return execute(sql, params, many, context)
        finally:
            if not self.connection.needs_rollback and self.connection.is_usable():
                self.apply(self.limits)
