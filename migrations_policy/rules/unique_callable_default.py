"""A unique field with a callable default: Django calls it once, for all old rows."""

from __future__ import annotations

from collections.abc import Iterator

from ..context import Context
from ..facts import FieldFacts, Operation
from ..paste import Note, Paste, Recipe, field_operation, model_of
from ..rule import Example, Fails, Rule
from ..violation import Severity, Violation


def check(context: Context) -> Iterator[Violation]:
    """Find AddField of a unique field whose default is called once for all rows."""
    operation = context.operation
    field = operation.field
    if operation.kind != "AddField" or field is None or context.is_new(operation.table):
        return
    if not field.unique or field.default != "callable":
        return
    yield context.found(
        f'the default of the unique field "{field.name}" is called once, so all old rows of '
        f"{operation.table} would get the same value",
        recipe=_recipe(operation, field),
        table=operation.table,
    )


def _recipe(operation: Operation, field: FieldFacts) -> Recipe:
    model = model_of(operation)
    add = field_operation("AddField", operation, null="True", unique=None, default=None)
    fill = (
        f'BackfillInBatches("{model}", {{"{field.name}": RandomUUID()}}, '
        f"where=models.Q({field.name}__isnull=True))"
    )
    unique = field_operation("SetUniqueSafely", operation, null="True")
    last = field_operation("SetNotNullSafely", operation)
    return (
        Paste(add),
        Note(f"Deploy code that writes {field.name} for new rows."),
        Paste(fill, "after", False, "a value of its own for each old row"),
        Paste(unique, "after", False, "the unique constraint, its index built concurrently"),
        Paste(last, "after", False, "and NOT NULL"),
    )


RULE = Rule(
    "unique-callable-default",
    6,
    Severity.ERROR,
    "Adds a unique field with a callable default",
    "The default is evaluated once for the whole table; the second row violates the constraint, "
    "and the migration fails on any table with two rows.",
    check,
    Example(
        'migrations.AddField("order", "token", models.UUIDField(default=uuid.uuid4, unique=True))',
        Fails("could not create unique index"),
        message='the default of the unique field "token" is called once',
    ),
    lock="ACCESS EXCLUSIVE, index build",
)
