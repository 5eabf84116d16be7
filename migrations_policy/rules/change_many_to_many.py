"""A relation changed to or from many-to-many, or a primary key to a composite one."""

from __future__ import annotations

from collections.abc import Iterator

from ..context import Context
from ..facts import Operation
from ..paste import Note, Paste, Recipe, field_of, model_of
from ..rule import Example, Fails, Rule
from ..violation import Severity, Violation


def check(context: Context) -> Iterator[Violation]:
    """Find AlterField across the many-to-many border, and changes of composite keys."""
    operation = context.operation
    old, new = operation.old_field, operation.field
    if operation.kind != "AlterField" or old is None or new is None:
        return
    composite = "CompositePrimaryKey" in {old.internal_type, new.internal_type}
    moved = old.many_to_many and new.many_to_many and old.through != new.through
    if old.many_to_many == new.many_to_many and not composite and not moved:
        return
    what = "its key" if composite else "a relation with a table of its own"
    yield context.found(
        f'Django cannot alter "{new.name}" of {operation.table}: it changes {what}',
        recipe=_recipe(operation),
        table=operation.table,
    )


def _recipe(operation: Operation) -> Recipe:
    model, name = model_of(operation), operation.field_name
    new = f"{name}_new"
    source = field_of(operation).with_options(related_name='"+"')
    return (
        Paste(f'migrations.AddField("{model}", "{new}", {source})', title="the new relation"),
        Note(f"Deploy code that writes both {name} and {new}; copy the old rows in batches."),
        Note(f"Read {new}, then remove {name} by RemoveFieldSafely."),
    )


RULE = Rule(
    "change-many-to-many",
    56,
    Severity.ERROR,
    "Turns a field into or out of a many-to-many relation",
    "One is a column, the other a junction table; Django refuses, and by hand it is a copy.",
    check,
    Example(
        'migrations.AlterField("order", "customer", models.ManyToManyField("shop.customer"))',
        Fails("Cannot alter field"),
        message='Django cannot alter "customer" of shop_order',
    ),
    lock="none: it fails at once",
)
