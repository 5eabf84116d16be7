"""A NOT NULL column without a default: old code cannot insert, filled tables refuse it."""

from __future__ import annotations

from collections.abc import Iterator

from ..context import Context
from ..paste import Note, Paste, Recipe, not_null_sql, nullable_first, run_sql
from ..rule import BreaksOldCode, Example, Rule
from ..sql.statement import Column, Statement
from ..violation import Severity, Violation


def check(context: Context) -> Iterator[Violation]:
    """Find ADD COLUMN … NOT NULL with nothing to fill it."""
    for statement, action in context.alterations("add-column"):
        column = action.column
        if column is None or not column.not_null or column.default or column.generated:
            continue
        if column.identity or column.is_serial:
            continue
        yield context.found(
            f'adding the column "{column.name}" to {statement.table} as NOT NULL without a default '
            "fails on a table with rows, and the old release cannot insert any more",
            why=context.effect(statement.table, "ACCESS EXCLUSIVE"),
            recipe=_recipe(context, statement, column),
            statement=statement,
        )


def _recipe(context: Context, statement: Statement, column: Column) -> Recipe:
    if context.operation.field_name:
        return nullable_first(context.operation, "models.Value(1)")
    table = statement.table or ""
    add = f"ALTER TABLE {table} ADD COLUMN {column.name} {column.type}"
    drop = f"ALTER TABLE {table} DROP COLUMN {column.name}"
    return (
        Paste(run_sql(add, drop)),
        Note(f"Deploy code that writes {column.name}, then fill old rows with BackfillInBatches."),
        *not_null_sql(table, column.name),
    )


RULE = Rule(
    "add-required-column",
    1,
    Severity.ERROR,
    "Adds a NOT NULL column without a default",
    "The old release inserts without the column until the last of its processes is gone: "
    "each of these inserts fails.",
    check,
    Example(
        'migrations.AddField("order", "priority", models.IntegerField())',
        BreaksOldCode("INSERT INTO shop_order (number, status, total) VALUES (1, 'new', 1)"),
        setup='migrations.RunSQL("TRUNCATE shop_order", migrations.RunSQL.noop)',
        message='adding the column "priority" to shop_order as NOT NULL without a default',
    ),
    lock="ACCESS EXCLUSIVE, catalog only",
)
