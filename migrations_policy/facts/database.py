"""What only the database knows, or what is assumed when nobody asked it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

Value = TypeVar("Value")

# A middling shop's row; only used to turn assumed row counts into bytes.
ASSUMED_ROW_BYTES = 120


@dataclass(frozen=True, slots=True)
class Known(Generic[Value]):
    """A fact, and whether it was assumed instead of read from the database."""

    value: Value
    assumed: bool = False


@dataclass(frozen=True, slots=True)
class ColumnFacts:
    """A column as the catalog has it."""

    nullable: bool
    has_default: bool
    type: str


@dataclass(frozen=True, slots=True)
class TableFacts:
    """A table as the catalog and the statistics have it; `is_hot` by traffic or configuration."""

    rows: int
    size_bytes: int
    is_hot: bool = False
    columns: Mapping[str, ColumnFacts] = field(default_factory=dict)
    invalid_indexes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Database:
    """The database a plan will meet.

    Without a connection every answer is an assumption: `assumed_version`, `assumed_rows`, tables
    are cold unless named in `hot_tables`.
    """

    connected: bool = False
    version: int = 14
    server_version: str = ""
    assumed_rows: int = 1_000_000
    tables: Mapping[str, TableFacts] = field(default_factory=dict)
    hot_tables: frozenset[str] = frozenset()
    volatility: Mapping[str, str] = field(default_factory=dict)
    time_zone: str | None = None
    lock_timeout_ms: int = 0
    statement_timeout_ms: int = 0
    replicas: int | None = None

    def rows(self, table: str) -> Known[int]:
        """Return the row count (the planner's estimate when connected)."""
        known = self.tables.get(table)
        return Known(known.rows) if known else Known(self.assumed_rows, not self.connected)

    def size(self, table: str) -> Known[int]:
        """Return the heap's size in bytes."""
        known = self.tables.get(table)
        if known:
            return Known(known.size_bytes)
        return Known(self.assumed_rows * ASSUMED_ROW_BYTES, not self.connected)

    def exists(self, table: str) -> bool | None:
        """Return whether the table exists; None when nobody asked the database."""
        return table in self.tables if self.connected else None

    def is_hot(self, table: str) -> Known[bool]:
        """Return whether many statements use the table (statistics or configuration)."""
        if table in self.hot_tables:
            return Known(True)
        known = self.tables.get(table)
        return Known(known.is_hot) if known else Known(False, not self.connected)

    def column(self, table: str, column: str) -> ColumnFacts | None:
        """Return the column of the catalog; None when it is not there or nobody asked."""
        known = self.tables.get(table)
        return known.columns.get(column) if known else None
