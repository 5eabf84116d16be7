"""A column becomes optional while the running release trusts it to be filled."""

from __future__ import annotations

from collections.abc import Iterator

from ..context import Context
from ..facts import Operation
from ..paste import Note, Paste, Recipe, sources
from ..rule import Example, NotShown, Rule
from ..sql.statement import Action
from ..violation import Severity, Violation


def check(context: Context) -> Iterator[Violation]:
    """Find DROP NOT NULL of a field that stays in the models, before the deploy."""
    if context.migration.declared_phase == "after" or context.operation.kind != "AlterField":
        return
    for statement, action in context.alterations("drop-not-null"):
        yield context.found(
            f'"{action.name}" of {statement.table} may be NULL from now on, and the running '
            "release does not expect None there",
            why=context.effect(statement.table, "ACCESS EXCLUSIVE"),
            recipe=_recipe(context.operation, action),
            statement=statement,
        )


def _recipe(operation: Operation, action: Action) -> Recipe:
    return (
        Note(f"Deploy code that copes with None in {action.name}, and does not write it yet."),
        Paste(sources(operation), "after"),
        Note(f"Then deploy code that writes None into {action.name}."),
    )


RULE = Rule(
    "drop-not-null",
    17,
    Severity.WARNING,
    "Allows NULL where the running release does not expect it",
    "As soon as the new release writes a NULL, the old one reads None and fails in Python.",
    check,
    Example(
        'migrations.AlterField("order", "number", models.IntegerField(null=True))',
        NotShown(
            "The database does as it is told; what fails is Python code of the old release "
            "that meets None. The N-1 check (compat) reports it from the old models."
        ),
        message='"number" of shop_order may be NULL from now on',
    ),
    lock="ACCESS EXCLUSIVE, catalog only",
)
