"""Questions to PostgreSQL's catalog that make operations safe to run again.

While SQL is only collected (sqlmigrate, the linter) nothing is asked and nothing exists.
"""

from __future__ import annotations

from typing import Any, Literal

from django.db import NotSupportedError

State = Literal["absent", "invalid", "valid"]


def require_autocommit(editor: Any, operation: str) -> None:
    """Raise NotSupportedError when the operation would run inside a transaction."""
    if not editor.collect_sql and editor.connection.in_atomic_block:
        raise NotSupportedError(
            f"{operation} works in several short transactions; set atomic = False on the migration"
        )


def _first(editor: Any, sql: str, params: list[Any]) -> Any:
    if editor.collect_sql:
        return None
    with editor.connection.cursor() as cursor:
        cursor.execute(sql, params)
        row = cursor.fetchone()
    return row[0] if row else None


def _state(valid: bool | None) -> State:
    if valid is None:
        return "absent"
    return "valid" if valid else "invalid"


def index_state(editor: Any, name: str) -> State:
    """Return whether the index exists in the search path, and is usable."""
    sql = (
        "SELECT indisvalid FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid "
        "WHERE relname = %s AND pg_table_is_visible(pg_class.oid)"
    )
    return _state(_first(editor, sql, [name]))


def constraint_state(editor: Any, table: str, name: str) -> State:
    """Return whether the table has the constraint, and whether it is validated."""
    sql = (
        "SELECT convalidated FROM pg_constraint "
        "WHERE conrelid = to_regclass(quote_ident(%s)) AND conname = %s"
    )
    return _state(_first(editor, sql, [table, name]))


def column_state(editor: Any, table: str, column: str) -> State:
    """Return `valid` for a NOT NULL column, `invalid` for a nullable one."""
    sql = (
        "SELECT attnotnull FROM pg_attribute WHERE attrelid = to_regclass(quote_ident(%s)) "
        "AND attname = %s AND NOT attisdropped"
    )
    return _state(_first(editor, sql, [table, column]))


def has_index(editor: Any, table: str, column: str) -> bool:
    """Return whether an index of the table has the column as its only one."""
    sql = (
        "SELECT true FROM pg_index JOIN pg_attribute ON attrelid = indrelid AND attnum = indkey[0] "
        "WHERE indrelid = to_regclass(quote_ident(%s)) AND indnatts = 1 AND attname = %s LIMIT 1"
    )
    return bool(_first(editor, sql, [table, column]))


def has_null(editor: Any, table: str, column: str) -> bool:
    """Return whether a row of the table has NULL in the column."""
    quote = editor.quote_name
    sql = f"SELECT true FROM {quote(table)} WHERE {quote(column)} IS NULL LIMIT 1"  # noqa: S608  # quoted names
    return bool(_first(editor, sql, []))


def foreign_key_name(editor: Any, model: Any, field: Any) -> str:
    """Return the name Django gives the field's foreign key."""
    name = editor._fk_constraint_name(model, field, "_fk_%(to_table)s_%(to_column)s")
    return str(name).strip('"')
