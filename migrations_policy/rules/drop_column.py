"""A column dropped while the release that reads it still runs."""

from __future__ import annotations

from collections.abc import Iterator

from ..context import Context
from ..facts import Operation
from ..paste import DEPLOY, Note, Paste, Recipe, model_of
from ..rule import BreaksOldCode, Example, Rule
from ..sql.statement import Action, Statement
from ..violation import Severity, Violation


def check(context: Context) -> Iterator[Violation]:
    """Find DROP COLUMN of a column that the last release's models still had."""
    for statement, action in context.alterations("drop-column"):
        gone = set(context.migration.state_removed)
        if (statement.table, action.name) in gone or (statement.table, "*") in gone:
            continue
        yield context.found(
            f'dropping "{action.name}" of {statement.table} breaks the running release, '
            "which still selects and inserts it",
            why=context.effect(statement.table, "ACCESS EXCLUSIVE"),
            recipe=_recipe(context.operation, statement, action),
            statement=statement,
        )


def _recipe(operation: Operation, statement: Statement, action: Action) -> Recipe:
    old = operation.old_field
    kind = f', "{old.db_type}"' if old and old.db_type else ""
    drop = f'DropColumnSafely("{statement.table}", "{action.name}"{kind})'
    last = Paste(drop, "after", title="a migration of the release after that")
    if operation.kind != "RemoveField":
        return Note(f'Remove the field of "{action.name}" by RemoveFieldSafely first.'), last
    first = f'RemoveFieldSafely("{model_of(operation)}", "{operation.field_name}")'
    return (
        Paste(
            first, title="a migration before the deploy: gone from the models, kept in the table"
        ),
        DEPLOY,
        last,
    )


RULE = Rule(
    "drop-column",
    8,
    Severity.ERROR,
    "Drops a column that running code uses",
    "Django names every column in SELECT and INSERT: until its last process is gone, "
    "each query of the old release on this table fails.",
    check,
    Example(
        'migrations.RemoveField("order", "note")',
        BreaksOldCode(
            "SELECT id, number, note FROM shop_order", "SELECT id, number FROM shop_order"
        ),
        message='dropping "note" of shop_order breaks the running release',
    ),
    lock="ACCESS EXCLUSIVE, catalog only",
)
