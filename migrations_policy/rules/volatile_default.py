"""A column with a default that differs from row to row: PostgreSQL rewrites the whole table."""

from __future__ import annotations

from collections.abc import Iterator

from ..context import Context
from ..facts import Operation
from ..paste import Paste, Recipe, field_of, field_operation, model_of, run_sql
from ..rule import Blocks, Example, Rule
from ..sql.statement import Column, Statement
from ..violation import Severity, Violation


def check(context: Context) -> Iterator[Violation]:
    """Find ADD COLUMN with a volatile DEFAULT."""
    for statement, action in context.alterations("add-column"):
        column = action.column
        if column is None or column.default is None or column.generated:
            continue
        calls = [name for name in column.default.functions if context.is_volatile(name)]
        if not calls or context.is_small(statement.table):
            continue
        yield context.found(
            f'the default {column.default.sql} of "{column.name}" gives each row its own value, '
            f"so adding the column rewrites {statement.table}",
            why=context.effect(statement.table, "ACCESS EXCLUSIVE", "rewrite"),
            recipe=_recipe(context.operation, statement, column),
            statement=statement,
        )


def _recipe(operation: Operation, statement: Statement, column: Column) -> Recipe:
    table, name = statement.table, column.name
    default = column.default.sql if column.default else "NULL"
    drop = f"ALTER TABLE {table} DROP COLUMN {name}"
    set_default = run_sql(
        f"ALTER TABLE {table} ALTER COLUMN {name} SET DEFAULT {default}",
        f"ALTER TABLE {table} ALTER COLUMN {name} DROP DEFAULT",
    )
    if operation.field_name is None:
        batch = (
            f"UPDATE {table} SET {name} = {default} WHERE id IN "
            f"(SELECT id FROM {table} WHERE {name} IS NULL LIMIT 1000)"
        )
        add = run_sql(f"ALTER TABLE {table} ADD COLUMN {name} {column.type}", drop)
        repeat = Paste(run_sql(batch), "after", False, "repeat until no row is left")
        return Paste(f"{add},\n{set_default}"), repeat
    add = field_operation("AddField", operation, null="True", db_default=None, default=None)
    value = field_of(operation).option("db_default") or "models.Value(None)"
    model = model_of(operation)
    where = f"models.Q({operation.field_name}__isnull=True)"
    fill = f'BackfillInBatches("{model}", {{"{operation.field_name}": {value}}}, where={where})'
    return (
        Paste(f"{add},\n{set_default}", title="the column, then the default for new rows only"),
        Paste(fill, "after", False, "the old rows, in batches"),
    )


RULE = Rule(
    "volatile-default",
    3,
    Severity.ERROR,
    "Adds a column with a volatile default",
    "PostgreSQL keeps one value for a constant default, but must compute and write a volatile one "
    "for every row, under the strongest lock.",
    check,
    Example(
        'migrations.AddField("order", "token", '
        "models.UUIDField(null=True, db_default=RandomUUID()))",
        Blocks(),
        message='the default gen_random_uuid() of "token" gives each row its own value',
    ),
    lock="ACCESS EXCLUSIVE, rewrite",
)
