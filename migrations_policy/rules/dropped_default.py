"""A NOT NULL column with a Python default: Django drops the DEFAULT, old code cannot insert."""

from __future__ import annotations

from collections.abc import Iterator

from ..context import Context
from ..facts import Operation
from ..paste import Note, Paste, Recipe, field_of, field_operation, literal, nullable_first
from ..rule import BreaksOldCode, Example, Rule
from ..sql.statement import Column
from ..violation import Severity, Violation


def check(context: Context) -> Iterator[Violation]:
    """Find ADD COLUMN … DEFAULT … NOT NULL followed by DROP DEFAULT in the same operation."""
    dropped = {action.name for _, action in context.alterations("drop-default")}
    for statement, action in context.alterations("add-column"):
        column = action.column
        if column is None or not column.not_null or column.name not in dropped:
            continue
        yield context.found(
            f'"{column.name}" of {statement.table} is NOT NULL and its default lives in Python '
            "only: Django drops the DEFAULT again, and the old release cannot insert any more",
            why=context.effect(statement.table, "ACCESS EXCLUSIVE"),
            recipe=_recipe(context.operation, column),
            statement=statement,
        )


def _recipe(operation: Operation, column: Column) -> Recipe:
    declared = field_of(operation).option("default")
    value = literal(column.default.sql) if column.default else None
    if value is None or (operation.field and operation.field.default == "callable"):
        given = operation.given_default or declared or "models.Value(1)"
        return nullable_first(operation, given)
    return (
        Paste(field_operation("AddField", operation, default=declared, db_default=value)),
        Note("Keep db_default as long as the old release may insert; dropping it later is cheap:"),
        Paste(
            field_operation("AlterField", operation),
            "after",
            title="a migration after the deploy, unless the default may stay",
        ),
    )


RULE = Rule(
    "dropped-default",
    2,
    Severity.ERROR,
    "Adds a NOT NULL column whose default only Python knows",
    "PostgreSQL fills old rows without a rewrite, but Django then drops the DEFAULT, and every "
    "INSERT of the old release violates NOT NULL.",
    check,
    Example(
        'migrations.AddField("order", "priority", models.IntegerField(default=1))',
        BreaksOldCode("INSERT INTO shop_order (number, status, total) VALUES (1, 'new', 1)"),
        message='"priority" of shop_order is NOT NULL and its default lives in Python only',
    ),
    lock="ACCESS EXCLUSIVE, catalog only",
)
