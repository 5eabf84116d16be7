"""A stored generated column: PostgreSQL computes and writes it for every row."""

from __future__ import annotations

from collections.abc import Iterator

from ..context import Context
from ..paste import Note, Paste, Recipe, run_sql
from ..rule import Blocks, Example, Rule
from ..sql.statement import Column
from ..violation import Severity, Violation


def check(context: Context) -> Iterator[Violation]:
    """Find ADD COLUMN … GENERATED … STORED."""
    for statement, action in context.alterations("add-column"):
        column = action.column
        if column is None or column.generated != "stored" or context.is_small(statement.table):
            continue
        yield context.found(
            f'the stored generated column "{column.name}" is computed for every row of '
            f"{statement.table}, which rewrites the table",
            why=context.effect(statement.table, "ACCESS EXCLUSIVE", "rewrite"),
            recipe=_recipe(context, statement.table or "", column),
            statement=statement,
        )


def _recipe(context: Context, table: str, column: Column) -> Recipe:
    name, expression = column.name, column.default.sql if column.default else "NULL"
    if context.version >= 18:
        virtual = f"ADD COLUMN {name} {column.type} GENERATED ALWAYS AS ({expression}) VIRTUAL"
        drop = f"ALTER TABLE {table} DROP COLUMN {name}"
        return (Paste(run_sql(f"ALTER TABLE {table} {virtual}", drop)),)
    add = run_sql(
        f"ALTER TABLE {table} ADD COLUMN {name} {column.type}",
        f"ALTER TABLE {table} DROP COLUMN {name}",
    )
    batch = (
        f"UPDATE {table} SET {name} = {expression} WHERE id IN "
        f"(SELECT id FROM {table} WHERE {name} IS NULL LIMIT 1000)"
    )
    return (
        Paste(add, title="a plain column"),
        Note(f"Deploy code that writes {name} = {expression} whenever it saves a row."),
        Paste(run_sql(batch), "after", False, "repeat until no row is left"),
    )


RULE = Rule(
    "stored-generated-column",
    5,
    Severity.ERROR,
    "Adds a stored generated column to a table with rows",
    "A stored value exists in the row, so every row is written anew. PostgreSQL 18 has VIRTUAL "
    "columns, computed on reading, which cost nothing to add.",
    check,
    Example(
        'migrations.AddField("order", "doubled", models.GeneratedField('
        'expression=models.F("number") * 2, output_field=models.IntegerField(), db_persist=True))',
        Blocks(),
        message='the stored generated column "doubled" is computed for every row of shop_order',
    ),
    lock="ACCESS EXCLUSIVE, rewrite",
    versions="14 to 17: plain column; 18 and later: VIRTUAL",
)
