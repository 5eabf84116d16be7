"""What the rules need to know about one SQL statement: plain values, no parser objects."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

ConstraintKind = Literal["check", "foreign-key", "unique", "primary-key", "exclusion", "not-null"]


@dataclass(frozen=True, slots=True)
class TypeName:
    """A column type in PostgreSQL's own spelling, with its modifiers (`varchar`, `(30,)`)."""

    name: str
    modifiers: tuple[int, ...] = ()
    is_array: bool = False

    def __str__(self) -> str:
        modifiers = f"({', '.join(map(str, self.modifiers))})" if self.modifiers else ""
        return f"{self.name}{modifiers}{'[]' if self.is_array else ''}"


@dataclass(frozen=True, slots=True)
class Constraint:
    """A constraint as it is declared, inside a table, a column, a domain or ADD CONSTRAINT."""

    kind: ConstraintKind
    name: str | None = None
    columns: tuple[str, ...] = ()
    references: str | None = None
    not_valid: bool = False
    index: str | None = None
    expression: str = ""


@dataclass(frozen=True, slots=True)
class Default:
    """A column default: its SQL text and the functions it calls."""

    sql: str
    functions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Column:
    """A column definition."""

    name: str
    type: TypeName
    not_null: bool = False
    default: Default | None = None
    identity: bool = False
    generated: Literal["stored", "virtual"] | None = None
    constraints: tuple[Constraint, ...] = ()

    @property
    def is_serial(self) -> bool:
        """Whether the type is one of the serial pseudo-types."""
        return self.type.name in {"serial", "bigserial", "smallserial", "serial4", "serial8"}


@dataclass(frozen=True, slots=True)
class Action:
    """One comma-separated part of ALTER TABLE."""

    kind: str
    name: str | None = None
    column: Column | None = None
    type: TypeName | None = None
    has_using: bool = False
    constraint: Constraint | None = None
    default: Default | None = None
    if_exists: bool = False
    concurrently: bool = False


@dataclass(frozen=True, slots=True)
class Statement:
    """One SQL statement, reduced to what locks and rules depend on.

    `kind` is the command in lower case with dashes (`alter-table`, `create-index`, …);
    `unparsed` when the parser refused the text, and then `error` says why.
    """

    kind: str
    text: str
    table: str | None = None
    schema: str | None = None
    name: str | None = None
    new_name: str | None = None
    object_type: str = ""
    columns: tuple[str, ...] = ()
    actions: tuple[Action, ...] = ()
    definitions: tuple[Column, ...] = ()
    constraints: tuple[Constraint, ...] = ()
    tables: tuple[str, ...] = ()
    unique: bool = False
    concurrently: bool = False
    if_exists: bool = False
    cascade: bool = False
    has_where: bool = False
    is_limited: bool = False
    is_ordered: bool = False
    is_partitioned: bool = False
    forced: bool = False
    error: str = ""
    setting: tuple[str, str] | None = None

    @property
    def is_schema_change(self) -> bool:
        """Whether the statement changes the schema (DDL that takes table locks)."""
        return self.kind in SCHEMA_CHANGES

    @property
    def is_data_change(self) -> bool:
        """Whether the statement writes rows."""
        return self.kind in {"update", "delete", "insert"}


SCHEMA_CHANGES = frozenset(
    {
        "alter-table",
        "create-table",
        "drop-table",
        "rename-table",
        "rename-column",
        "rename-schema",
        "create-index",
        "drop-index",
        "create-trigger",
        "alter-enum",
        "create-domain",
        "alter-domain",
        "truncate",
        "cluster",
        "reindex",
        "rename-constraint",
    }
)
