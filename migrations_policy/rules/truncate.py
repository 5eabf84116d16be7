"""TRUNCATE: all rows are gone, with CASCADE those of other tables too."""

from __future__ import annotations

from collections.abc import Iterator

from ..context import Context
from ..paste import Note, Paste, Recipe, run_sql
from ..rule import Blocks, Example, Rule
from ..sql.statement import Statement
from ..violation import Severity, Violation


def check(context: Context) -> Iterator[Violation]:
    """Find TRUNCATE of tables in use."""
    for statement in context.commands("truncate"):
        others = " and of every table that references it" if statement.cascade else ""
        tables = ", ".join(statement.tables)
        yield context.found(
            f"TRUNCATE throws away all rows of {tables}{others}, under the strongest lock",
            why=context.effect(statement.table, "ACCESS EXCLUSIVE"),
            recipe=_recipe(statement),
            statement=statement,
        )


def _recipe(statement: Statement) -> Recipe:
    batches = [
        run_sql(f"DELETE FROM {name} WHERE id IN (SELECT id FROM {name} LIMIT 1000)")
        for name in statement.tables
    ]
    return (
        Note("Be sure, and have a backup; then delete in batches, which locks rows only:"),
        Paste(",\n".join(batches), "after", False, "repeat until no row is left"),
    )


RULE = Rule(
    "truncate",
    41,
    Severity.ERROR,
    "Truncates a table",
    "It cannot be undone after commit, and queues for the strongest lock on every table named.",
    check,
    Example(
        'migrations.RunSQL("TRUNCATE shop_order CASCADE", migrations.RunSQL.noop)',
        Blocks(long=False),
        message="TRUNCATE throws away all rows of shop_order and of every table that references it",
    ),
    lock="ACCESS EXCLUSIVE, catalog only",
)
