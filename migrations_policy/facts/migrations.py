"""Facts about operations, migrations and the whole plan."""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from ..sql.statement import Statement
from .fields import FieldFacts, ModelFacts
from .source import Finding, Source

Phase = Literal["before", "after", "anytime"]


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of a migration, with the SQL it runs and the models before and after it.

    `kind` is the operation's class name. Operations inside SeparateDatabaseAndState stand alone,
    with `in_state` and `in_database` saying which half they belong to. `given_default` is the
    source of the default the operation's field came with, also where the state does not keep it.
    """

    index: int
    kind: str
    description: str
    source: Source
    statements: tuple[Statement, ...] = ()
    deferred: tuple[Statement, ...] = ()
    before: ModelFacts | None = None
    after: ModelFacts | None = None
    field_name: str | None = None
    old_name: str | None = None
    reversible: bool = True
    is_elidable: bool = False
    in_state: bool = True
    in_database: bool = True
    is_retry_safe: bool = False
    is_data: bool = False
    has_hints: bool = False
    function: str | None = None
    findings: tuple[Finding, ...] = ()
    junction: str | None = None
    name: str | None = None
    constraint_source: str | None = None
    error: str = ""
    given_default: str | None = None

    @property
    def model(self) -> ModelFacts | None:
        """The model as the operation leaves it, or as it was when the operation removes it."""
        return self.after or self.before

    @property
    def table(self) -> str | None:
        """The model's table, or the first table the SQL names."""
        if self.model:
            return self.model.table
        return next((statement.table for statement in self.statements if statement.table), None)

    @property
    def field(self) -> FieldFacts | None:
        """The field as the operation leaves it."""
        return self.after.field(self.field_name) if self.after and self.field_name else None

    @property
    def old_field(self) -> FieldFacts | None:
        """The field as it was."""
        name = self.old_name or self.field_name
        return self.before.field(name) if self.before and name else None

    @property
    def is_sql(self) -> bool:
        """Whether the SQL was written by hand."""
        return self.kind == "RunSQL"

    @property
    def is_python(self) -> bool:
        """Whether the operation runs arbitrary Python."""
        return self.kind == "RunPython"

    @property
    def all_statements(self) -> tuple[Statement, ...]:
        """The statements it runs at once, then those left for the migration's end."""
        return self.statements + self.deferred


@dataclass(frozen=True, slots=True)
class Migration:
    """One migration: its operations and what its file says."""

    app_label: str
    name: str
    source: Source
    operations: tuple[Operation, ...] = ()
    atomic: bool = True
    initial: bool = False
    replaces: tuple[tuple[str, str], ...] = ()
    dependencies: tuple[tuple[str, str], ...] = ()
    declared_phase: str | None = None
    time_budget: float | None = None
    declared_irreversible: str = ""
    applied: bool | None = None
    findings: tuple[Finding, ...] = ()
    state_removed: tuple[tuple[str, str], ...] = ()

    @property
    def key(self) -> tuple[str, str]:
        """App label and name."""
        return self.app_label, self.name

    @property
    def label(self) -> str:
        """`app.0001_name`, as Django prints it."""
        return f"{self.app_label}.{self.name}"

    @property
    def checksum(self) -> str:
        """A checksum of what the migration does: its code without comments and layout."""
        return hashlib.sha256(ast.dump(ast.parse(self.source.text)).encode()).hexdigest()[:16]

    def statements(self) -> Iterator[tuple[Operation, Statement]]:
        """Yield the SQL in the order it runs: deferred statements last."""
        for operation in self.operations:
            for statement in operation.statements:
                yield operation, statement
        for operation in self.operations:
            for statement in operation.deferred:
                yield operation, statement

    def created_tables(self) -> frozenset[str]:
        """Return the tables this migration creates; they are empty and nobody uses them yet."""
        return frozenset(
            statement.table
            for _, statement in self.statements()
            if statement.kind == "create-table" and statement.table
        )


@dataclass(frozen=True, slots=True)
class Plan:
    """The migrations to judge, in order, and what the graph says around them."""

    migrations: tuple[Migration, ...]
    leaves: tuple[tuple[str, tuple[str, ...]], ...] = ()
    missing: tuple[tuple[str, str, str], ...] = ()
    recorded_checksums: tuple[tuple[tuple[str, str], str], ...] = ()
    new_tables: frozenset[str] = frozenset()
    state_removed: frozenset[tuple[str, str]] = field(default_factory=frozenset)
    cached_models: frozenset[str] = frozenset()
    max_migrations: tuple[tuple[str, str, str], ...] = ()
