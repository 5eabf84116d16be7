"""AddField of a ForeignKey: column, constraint and index in one transaction."""

from __future__ import annotations

from collections.abc import Iterator

from ..context import Context
from ..facts import FieldFacts, Operation
from ..paste import Note, Paste, Recipe, field_operation, model_of
from ..rule import Blocks, Example, Rule
from ..violation import Severity, Violation


def check(context: Context) -> Iterator[Violation]:
    """Find AddField of a foreign key with its constraint, or with an index that blocks."""
    operation, field = context.operation, context.operation.field
    if operation.kind != "AddField" or field is None or field.references is None:
        return
    if context.is_new(operation.table) or context.is_small(operation.table) or field.unique:
        return
    if not field.db_constraint and not field.indexed:
        return
    yield context.found(
        f'adding the foreign key "{field.name}" locks {operation.table} and {field.references} '
        f"until the index on {operation.table} is built",
        why=context.effect(operation.table, "ACCESS EXCLUSIVE", "index-build"),
        recipe=_recipe(operation, field),
        table=operation.table,
    )


def _recipe(operation: Operation, field: FieldFacts) -> Recipe:
    model = model_of(operation)
    loose: dict[str, str | None] = {"db_constraint": "False", "db_index": "False"}
    plain = field_operation("AddField", operation, **loose)
    whole = field_operation("AddForeignKeyNotValid", operation)
    if not field.null and operation.given_default:
        return _required(operation, field, loose)
    return (
        Paste(plain, title="the column alone"),
        Paste(whole, atomic=False, title="the index, concurrently, then the constraint NOT VALID"),
        Paste(f'ValidateConstraint("{model}", field="{field.name}")', title="the old rows"),
    )


def _required(operation: Operation, field: FieldFacts, loose: dict[str, str | None]) -> Recipe:
    """Return the long way for a NOT NULL column: the old rows are filled before it is a key."""
    model, name = model_of(operation), field.name
    fill = f'{{"{name}_id": {operation.given_default}}}, where=models.Q({name}__isnull=True)'
    prove = field_operation("SetNotNullSafely", operation, **loose)
    whole = field_operation("AddForeignKeyNotValid", operation)
    first = field_operation("AddField", operation, null="True", default=None, **loose)
    return (
        Paste(first, title="the column alone, empty"),
        Note(f"Deploy code that writes {name} in every row it saves, and reads it as optional."),
        Paste(f'BackfillInBatches("{model}", {fill})', "after", False, "the old rows"),
        Paste(prove, "after", False, "and NOT NULL"),
        Paste(whole, "after", False, "the index, concurrently, then the constraint NOT VALID"),
        Paste(f'ValidateConstraint("{model}", field="{name}")', "after", title="the old rows"),
    )


RULE = Rule(
    "foreign-key-column",
    20,
    Severity.ERROR,
    "Adds a foreign key column with constraint and index at once",
    "The child is locked by ADD COLUMN and the parent by the constraint, both until the index is "
    "built and the transaction ends.",
    check,
    Example(
        'migrations.AddField("order", "payer", models.ForeignKey('
        '"shop.customer", models.CASCADE, null=True, related_name="paid"))',
        Blocks(),
        message='adding the foreign key "payer" locks shop_order and shop_customer',
    ),
    lock="ACCESS EXCLUSIVE on the child, SHARE ROW EXCLUSIVE on the parent, index build",
)
