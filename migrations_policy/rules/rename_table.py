"""A table renamed: from that moment on the old release's queries fail."""

from __future__ import annotations

from collections.abc import Iterator

from ..context import Context
from ..facts import Operation
from ..paste import Note, Paste, Recipe
from ..rule import BreaksOldCode, Example, Rule
from ..sql.statement import Statement
from ..violation import Severity, Violation


def check(context: Context) -> Iterator[Violation]:
    """Find RENAME TO of a table."""
    for statement in context.commands("rename-table"):
        yield context.found(
            f"renaming {statement.table} to {statement.new_name} breaks the running release, "
            "which asks for the old name",
            why=context.effect(statement.table, "ACCESS EXCLUSIVE"),
            recipe=_recipe(context.operation, statement),
            statement=statement,
        )


def _recipe(operation: Operation, statement: Statement) -> Recipe:
    if operation.kind != "RenameModel" or not (operation.before and operation.after):
        return (Note(f'Keep the table: set db_table = "{statement.table}" in the model\'s Meta.'),)
    old, new = operation.before.name, operation.after.name
    keep = f'migrations.AlterModelTable("{old}", table="{statement.table}")'
    rename = f'migrations.RenameModel("{old}", "{new}")'
    return (
        Note(f'Set db_table = "{statement.table}" in the Meta of {new}; the table keeps its name.'),
        Paste(f"{keep},\n{rename}", title="changes Django's state only"),
    )


RULE = Rule(
    "rename-table",
    12,
    Severity.ERROR,
    "Renames a table that running code uses",
    "There is no moment at which both the old and the new release find the table they ask for.",
    check,
    Example(
        'migrations.RenameModel("Order", "Purchase")',
        BreaksOldCode("SELECT id FROM shop_order"),
        message="renaming shop_order to shop_purchase breaks the running release",
    ),
    lock="ACCESS EXCLUSIVE, catalog only",
)
