"""A column renamed: from that moment on the old release's queries fail."""

from __future__ import annotations

from collections.abc import Iterator

from ..context import Context
from ..facts import Operation
from ..paste import DEPLOY, Note, Paste, Recipe, model_of
from ..rule import BreaksOldCode, Example, Rule
from ..sql.statement import Statement
from ..violation import Severity, Violation


def check(context: Context) -> Iterator[Violation]:
    """Find RENAME COLUMN."""
    for statement in context.commands("rename-column"):
        yield context.found(
            f'renaming "{statement.name}" of {statement.table} to "{statement.new_name}" breaks '
            "either the running release or the next one, whichever way round you deploy",
            why=context.effect(statement.table, "ACCESS EXCLUSIVE"),
            recipe=_recipe(context.operation, statement),
            statement=statement,
        )


def _recipe(operation: Operation, statement: Statement) -> Recipe:
    if operation.kind != "RenameField" or operation.field is None:
        return (
            Note(
                f'Keep the column "{statement.name}"; name the field as you like with '
                f'db_column="{statement.name}".'
            ),
        )
    model, old, new = model_of(operation), operation.old_name, operation.field_name
    names = f'"{model}", "{old}", "{new}"'
    first = f"RenameFieldSafely({names})"
    return (
        Note(
            f'Cheapest: keep the column, and write db_column="{statement.name}" on "{new}". Else:'
        ),
        Paste(first, atomic=False, title="before the deploy: both names, kept equal by a trigger"),
        DEPLOY,
        Paste(
            f"FinishRenameField({names})",
            "after",
            False,
            "a migration of the release after that: the old name goes",
        ),
    )


RULE = Rule(
    "rename-column",
    11,
    Severity.ERROR,
    "Renames a column that running code uses",
    "There is no moment at which both the old and the new release find the column they ask for.",
    check,
    Example(
        'migrations.RenameField("order", "note", "remark")',
        BreaksOldCode(
            "UPDATE shop_order SET note = 'x' WHERE id = 1",
            "SELECT remark FROM shop_order",
        ),
        message='renaming "note" of shop_order to "remark" breaks',
    ),
    lock="ACCESS EXCLUSIVE, catalog only",
)
