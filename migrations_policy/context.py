"""What a rule sees while it judges: one operation or migration, and the facts around it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Protocol

from . import history
from .column_types import shape, widens
from .facts import Database, Migration, Operation, Plan, Source
from .locks import VOLATILE, Lock, LockMode, Work, seconds, statement_locks, who_waits
from .recipe import Recipe
from .settings import Settings
from .sql.statement import Action, Statement
from .violation import Severity, Violation


class Judging(Protocol):
    """What a context must know of its rule."""

    @property
    def name(self) -> str: ...
    @property
    def severity(self) -> Severity: ...
    @property
    def why(self) -> str: ...


@dataclass(slots=True)
class Findings:
    """What all rules ask of one migration, found out once."""

    created: frozenset[str]
    locks: dict[tuple[int | None, int], tuple[list[Lock], list[str]]] = field(default_factory=dict)


@dataclass(slots=True)
class Context:
    """The question put to one rule. Answers that had to be assumed are noted for the report."""

    rule: Judging
    plan: Plan
    database: Database
    settings: Settings
    _migration: Migration | None = None
    _operation: Operation | None = None
    assumed: list[str] = field(default_factory=list)
    _findings: Findings | None = None

    @property
    def findings(self) -> Findings:
        """What is known of the migration already; the linter shares it among rules."""
        if self._findings is None:
            created = self._migration.created_tables() if self._migration else frozenset()
            self._findings = Findings(created)
        return self._findings

    @property
    def migration(self) -> Migration:
        """The migration judged."""
        assert self._migration is not None, "a plan rule has no migration"
        return self._migration

    @property
    def operation(self) -> Operation:
        """The operation judged."""
        assert self._operation is not None, "only operation rules have an operation"
        return self._operation

    def _assume(self, text: str) -> None:
        if text not in self.assumed:
            self.assumed.append(text)

    @property
    def version(self) -> int:
        """The server's major version."""
        if not self.database.connected:
            self._assume(f"PostgreSQL {self.database.version}")
        return self.database.version

    def rows(self, table: str) -> int:
        """Return the table's row count."""
        known = self.database.rows(table)
        if known.assumed:
            self._assume(f"{table} has {known.value:,} rows")
        return known.value

    def seconds(self, table: str, work: Work) -> float:
        """Return about how long `work` on the table takes, in seconds."""
        self.rows(table)
        return seconds(work, self.database.size(table).value)

    def is_hot(self, table: str) -> bool:
        """Return whether the table is busy."""
        known = self.database.is_hot(table)
        if known.assumed:
            self._assume(f"{table} is not a hot table")
        return known.value

    def is_new(self, table: str | None) -> bool:
        """Return whether nobody can be using the table yet: made here, or not in the database."""
        if table is None:
            return False
        if table in self.findings.created:
            return True
        return table in self.plan.new_tables or self.database.exists(table) is False

    def is_small(self, table: str | None) -> bool:
        """Return whether the database says the table is too small for scans to matter."""
        if table is None or table not in self.database.tables:
            return False
        return self.database.rows(table).value <= self.settings.small_table_rows

    def is_volatile(self, function: str) -> bool:
        """Return whether calling the function gives each row another value."""
        known = self.database.volatility.get(function)
        if known is not None:
            return known == "v"
        return function in VOLATILE

    def volatile_functions(self) -> frozenset[str]:
        """Return the names of functions known to be volatile."""
        own = {name for name, kind in self.database.volatility.items() if kind == "v"}
        return VOLATILE | own

    def column_type(
        self, table: str, column: str, operation: Operation | None = None
    ) -> str | None:
        """Return the column's type before the operation, as far as anyone knows."""
        operation = operation or self.operation
        old = operation.old_field
        if old is not None and old.column == column:
            return old.db_type
        known = self.database.column(table, column)
        if known is not None:
            return known.type
        earlier = history.columns(self.plan, self.migration)
        types = [str(c.type) for where, c in earlier if (where, c.name) == (table, column)]
        model = operation.model
        field = model.column(column) if model and model.table == table else None
        return types[-1] if types else field.db_type if field else None

    def session_time_zone(self, until: int | None = None) -> str | None:
        """Return the time zone the statement runs in: set here before it, or the session's.

        `until` is the operation's index, by default the one judged.
        """
        zone = self.database.time_zone
        last = self.operation.index if until is None else until
        for operation, statement in self.migration.statements():
            if operation.index > last:
                break
            if statement.setting and statement.setting[0] == "timezone":
                zone = statement.setting[1].upper()
        if zone is None:
            self._assume("the session's time zone is not UTC")
        return zone

    def is_proved(self, expression: str, table: str) -> bool:
        """Return whether a validated CHECK on the table already says this."""
        return history.validated(self.plan, self.migration, table, expression)

    def is_not_null(self, table: str, column: str) -> bool:
        """Return whether the column is NOT NULL in the catalog or by the plan so far."""
        known = self.database.column(table, column)
        if known is not None and not known.nullable:
            return True
        return history.is_set_not_null(self.plan, self.migration, table, column)

    def has_index(self, table: str, column: str) -> bool:
        """Return whether the plan so far builds an index that starts with the column."""
        found = history.indexes(self.plan, self.migration)
        return any(index.table == table and index.columns[:1] == (column,) for index in found)

    def index_columns(self, name: str) -> tuple[str, ...]:
        """Return the columns of an index built by the plan so far."""
        found = history.indexes(self.plan, self.migration)
        return next((index.columns for index in found if index.name == name), ())

    def is_dropped_before(self, index: Statement) -> bool:
        """Return whether this migration drops the index, if it exists, before it builds it."""
        for _, statement in self.migration.statements():
            if statement is index:
                return False
            if statement.kind == "drop-index" and statement.name == index.name:
                return statement.if_exists
        return False

    def locks(self, statement: Statement) -> list[Lock]:
        """Return the locks the statement takes on tables somebody may be using."""
        index = self._operation.index if self._operation else None
        known = self.findings.locks
        if (index, id(statement)) not in known:
            before, self.assumed = self.assumed, []
            known[index, id(statement)] = (self._locks(statement), self.assumed)
            self.assumed = before
        locks, assumptions = known[index, id(statement)]
        for text in assumptions:
            self._assume(text)
        return locks

    def _locks(self, statement: Statement) -> list[Lock]:
        operation = self._operation or self._owner(statement)
        table = operation.table if operation else None
        free = self._free(statement, operation)
        found = statement_locks(statement, table, self.volatile_functions(), free)
        return [lock for lock in found if not self.is_new(lock.table)]

    def _owner(self, statement: Statement) -> Operation | None:
        """Return the operation the statement belongs to, for rules that judge migrations."""
        owners = (op for op, one in self.migration.statements() if one is statement)
        return next(owners, None)

    def _free(
        self, statement: Statement, operation: Operation | None
    ) -> frozenset[tuple[str, str | None]]:
        """Return the statement's actions that need no work: widened types, proved NOT NULLs."""
        table = statement.table or ""
        found = set()
        for action in statement.actions:
            if action.kind == "alter-type" and action.type and operation:
                old = operation.old_field
                was = old.db_type if old and old.column == action.name else None
                is_wider = bool(was and widens(was, str(action.type)))
                if is_wider or self._keeps_bytes(operation, statement, action):
                    found.add((action.kind, action.name))
            elif action.kind == "set-not-null" and self.is_proved(
                f"{action.name} IS NOT NULL", table
            ):
                found.add((action.kind, action.name))
        return frozenset(found)

    def _keeps_bytes(self, operation: Operation, statement: Statement, action: Action) -> bool:
        """Return whether a timestamp becomes timestamptz in UTC, where both are the same."""
        if action.type is None or action.type.name != "timestamptz":
            return False
        old = self.column_type(statement.table or "", action.name or "", operation)
        was_plain = old is not None and shape(old)[0] == "timestamp"
        return was_plain and self.session_time_zone(operation.index) == "UTC"

    def commands(self, *kinds: str) -> Iterator[Statement]:
        """Yield the operation's statements of these kinds on tables somebody may be using."""
        for statement in self.operation.all_statements:
            if statement.kind in kinds and not self.is_new(statement.table):
                yield statement

    def alterations(self, *kinds: str) -> Iterator[tuple[Statement, Action]]:
        """Yield the ALTER TABLE actions of these kinds on tables somebody may be using."""
        for statement in self.commands("alter-table"):
            for action in statement.actions:
                if action.kind in kinds:
                    yield statement, action

    def effect(self, table: str | None, mode: LockMode, work: Work = "catalog") -> str:
        """Return a sentence: the lock, who waits for it, and about how long."""
        if table is None:
            return f"It takes {mode}: {who_waits(mode)} waits."
        if work == "catalog":
            return (
                f"It takes {mode} on {table}: {who_waits(mode)} waits, briefly once it is got, "
                "but as long as the longest transaction while it queues."
            )
        doing = {"scan": "reads", "rewrite": "rewrites", "index-build": "builds an index over"}
        took = self.seconds(table, work)
        return (
            f"It takes {mode} on {table} and {doing[work]} the whole table "
            f"({self.rows(table):,} rows, about {_duration(took)}): {who_waits(mode)} waits."
        )

    def found(
        self,
        message: str,
        *,
        why: str = "",
        recipe: Recipe = (),
        table: str | None = None,
        statement: Statement | None = None,
        source: Source | None = None,
        severity: Severity | None = None,
    ) -> Violation:
        """Return a violation at the operation, or at `source`."""
        operation, migration = self._operation, self._migration
        place = source or (operation or migration or self.plan.migrations[0]).source
        return Violation(
            self.rule.name,
            severity or self.rule.severity,
            migration.app_label if migration else "",
            migration.name if migration else "",
            operation.index if operation else None,
            place,
            message,
            why or self.rule.why,
            recipe,
            tuple(self.assumed),
            table or (statement.table if statement else None),
            statement.text if statement else "",
        )


def _duration(value: float) -> str:
    if value < 1:
        return "less than a second"
    if value < 120:
        return f"{value:.0f} s"
    return f"{value / 60:.0f} min"
