"""A table dropped while the release that reads it still runs."""

from __future__ import annotations

from collections.abc import Iterator

from ..context import Context
from ..facts import Operation
from ..paste import DEPLOY, Note, Paste, Recipe
from ..rule import BreaksOldCode, Example, Rule
from ..violation import Severity, Violation


def check(context: Context) -> Iterator[Violation]:
    """Find DROP TABLE of tables that the last release's models still had."""
    for statement in context.operation.all_statements:
        if statement.kind != "drop-table":
            continue
        for table in statement.tables:
            if (table, "*") in context.migration.state_removed or context.is_new(table):
                continue
            yield context.found(
                f"dropping {table} breaks the running release, and its foreign keys lock the "
                "tables they point to",
                why=context.effect(table, "ACCESS EXCLUSIVE"),
                recipe=_recipe(context.operation, table),
                table=table,
                statement=statement,
            )


def _recipe(operation: Operation, table: str) -> Recipe:
    drop = f'DropTableSafely("{table}")'
    last = Paste(
        drop,
        "after",
        title="a migration of the release after that",
        irreversible="the rows are gone",
    )
    if operation.kind != "DeleteModel" or operation.before is None:
        return Note(f"Remove the model of {table} by RemoveModelSafely first."), last
    first = f'RemoveModelSafely("{operation.before.name}")'
    return (
        Paste(first, title="before the deploy: foreign keys dropped, the table kept"),
        DEPLOY,
        last,
    )


RULE = Rule(
    "drop-table",
    10,
    Severity.ERROR,
    "Drops a table that running code uses",
    "Every query of the old release on the table fails. Dropping its foreign keys takes ACCESS "
    "EXCLUSIVE on the tables they reference as well.",
    check,
    Example(
        'migrations.DeleteModel("Review")',
        BreaksOldCode("SELECT id, text FROM shop_review", "SELECT 1"),
        setup='migrations.CreateModel("Review", [("id", models.BigAutoField(primary_key=True)), '
        '("text", models.TextField()), '
        '("order", models.ForeignKey("shop.order", models.CASCADE))])',
        message="dropping shop_review breaks the running release",
    ),
    lock="ACCESS EXCLUSIVE on it and on tables it references",
)
