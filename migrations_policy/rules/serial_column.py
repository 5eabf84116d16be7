"""An identity or serial column added to a filled table: every row gets its number in a rewrite."""

from __future__ import annotations

from collections.abc import Iterator

from ..context import Context
from ..paste import Paste, Recipe, run_sql
from ..rule import Blocks, Example, Rule
from ..violation import Severity, Violation


def check(context: Context) -> Iterator[Violation]:
    """Find ADD COLUMN of an identity or serial column."""
    for statement, action in context.alterations("add-column"):
        column = action.column
        if column is None or not (column.identity or column.is_serial):
            continue
        if context.is_small(statement.table):
            continue
        yield context.found(
            f'numbering the rows of {statement.table} by the new column "{column.name}" '
            "rewrites the whole table",
            why=context.effect(statement.table, "ACCESS EXCLUSIVE", "rewrite"),
            recipe=_recipe(statement.table or "", column.name),
            statement=statement,
        )


def _recipe(table: str, column: str) -> Recipe:
    sequence = f"{table}_{column}_seq"
    steps = [
        run_sql(f"CREATE SEQUENCE IF NOT EXISTS {sequence}", f"DROP SEQUENCE {sequence}"),
        run_sql(
            f"ALTER TABLE {table} ADD COLUMN IF NOT EXISTS {column} bigint",
            f"ALTER TABLE {table} DROP COLUMN {column}",
        ),
        run_sql(
            f"ALTER TABLE {table} ALTER COLUMN {column} SET DEFAULT nextval('{sequence}')",
            f"ALTER TABLE {table} ALTER COLUMN {column} DROP DEFAULT",
        ),
    ]
    batch = (
        f"UPDATE {table} SET {column} = nextval('{sequence}') WHERE id IN "
        f"(SELECT id FROM {table} WHERE {column} IS NULL LIMIT 1000)"
    )
    return (
        Paste(",\n".join(steps), title="a nullable column, then the default for new rows"),
        Paste(run_sql(batch), "after", False, "repeat until no row is left, then SET NOT NULL"),
    )


RULE = Rule(
    "serial-column",
    4,
    Severity.ERROR,
    "Adds a serial or identity column to a table with rows",
    "The numbers come from a sequence, a volatile default: all rows are written anew.",
    check,
    Example(
        'migrations.RunSQL("ALTER TABLE shop_order ADD COLUMN position bigserial", '
        '"ALTER TABLE shop_order DROP COLUMN position")',
        Blocks(),
        message='numbering the rows of shop_order by the new column "position"',
    ),
    lock="ACCESS EXCLUSIVE, rewrite",
)
