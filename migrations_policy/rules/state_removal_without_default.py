"""A field removed from the models, its column still NOT NULL: the new release cannot insert."""

from __future__ import annotations

from collections.abc import Iterator

from ..context import Context
from ..facts import FieldFacts, Operation
from ..paste import Paste, Recipe, model_of
from ..rule import BreaksOldCode, Example, Rule
from ..violation import Severity, Violation


def check(context: Context) -> Iterator[Violation]:
    """Find state-only removals of fields whose columns must be filled."""
    operation = context.operation
    if operation.kind != "RemoveField" or operation.in_database or operation.old_field is None:
        return
    field, table = operation.old_field, operation.table or ""
    if any(op.kind == "DeleteModel" and op.table == table for op in context.migration.operations):
        return  # the whole model leaves, or moves to another app
    known = context.database.column(table, field.column or "")
    required = not known.nullable and not known.has_default if known else not field.null
    if field.has_db_default or field.many_to_many or not required or _is_relaxed(context, field):
        return
    yield context.found(
        f'"{field.name}" leaves the models, but its column in {table} stays NOT NULL without a '
        "default: the new release cannot insert",
        recipe=_recipe(operation),
        table=table,
    )


def _is_relaxed(context: Context, field: FieldFacts) -> bool:
    """Whether this migration makes the column optional on the way."""
    return any(
        action.kind in {"drop-not-null", "set-default"} and action.name == field.column
        for _, statement in context.migration.statements()
        for action in statement.actions
    )


def _recipe(operation: Operation) -> Recipe:
    remove = f'RemoveFieldSafely("{model_of(operation)}", "{operation.field_name}")'
    return (Paste(remove, title="drops NOT NULL and leaves the column for the next release"),)


RULE = Rule(
    "state-removal-without-default",
    9,
    Severity.ERROR,
    "Removes a field from the state only, leaving a required column",
    "The new release does not know the column, so its INSERT leaves it out and violates NOT NULL.",
    check,
    Example(
        "migrations.SeparateDatabaseAndState(\n"
        '    state_operations=[migrations.RemoveField("order", "number")],\n)',
        BreaksOldCode(
            "INSERT INTO shop_order (status, total) VALUES ('new', 1)", worked_before=False
        ),
        message='"number" leaves the models, but its column in shop_order stays NOT NULL',
    ),
    lock="none; the recipe's DROP NOT NULL takes ACCESS EXCLUSIVE, catalog only",
)
