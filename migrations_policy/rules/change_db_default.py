"""Another default in the database: the old release's inserts get it too."""

from __future__ import annotations

from collections.abc import Iterator

from ..context import Context
from ..facts import Operation
from ..paste import Note, Paste, Recipe, sources
from ..rule import Example, Leaves, Rule
from ..violation import Severity, Violation


def check(context: Context) -> Iterator[Violation]:
    """Find SET DEFAULT on a column that has a database default the old release relies on."""
    old = context.operation.old_field
    if context.migration.declared_phase == "after" or old is None or not old.has_db_default:
        return
    for statement, action in context.alterations("set-default"):
        if action.name == old.column and context.operation.kind == "AlterField":
            yield context.found(
                f'rows that the running release inserts get the new default of "{action.name}", '
                "which it does not expect",
                why=context.effect(statement.table, "ACCESS EXCLUSIVE"),
                recipe=_recipe(context.operation),
                statement=statement,
            )


def _recipe(operation: Operation) -> Recipe:
    return (
        Note(f"Deploy code that writes {operation.field_name} in every row it inserts."),
        Paste(sources(operation), "after"),
    )


RULE = Rule(
    "change-db-default",
    61,
    Severity.WARNING,
    "Changes a default of the database while old code relies on it",
    "Django leaves a column with db_default out of the INSERT, so the new value appears in rows "
    "that the old release writes.",
    check,
    Example(
        'migrations.AlterField("order", "state", models.TextField(db_default="paid"))',
        Leaves(
            "INSERT INTO shop_order (number, status, total) VALUES (1, 'new', 1) RETURNING state",
            "paid",
            "paid",
        ),
        setup='migrations.AddField("order", "state", models.TextField(db_default="open"))',
        message='rows that the running release inserts get the new default of "state"',
    ),
    lock="ACCESS EXCLUSIVE, catalog only",
)
