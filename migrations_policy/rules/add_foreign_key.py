"""A foreign key added at once: writes on both tables wait while all rows are checked."""

from __future__ import annotations

from collections.abc import Iterator

from ..context import Context
from ..facts import Operation
from ..paste import Paste, Recipe, field_operation, model_of
from ..rule import Blocks, Example, Rule
from ..violation import Severity, Violation


def check(context: Context) -> Iterator[Violation]:
    """Find ADD CONSTRAINT … FOREIGN KEY that is validated while it is added."""
    if context.operation.is_sql or context.operation.kind == "AddField":
        return
    for statement, action in context.alterations("add-constraint"):
        constraint = action.constraint
        if constraint is None or constraint.kind != "foreign-key" or constraint.not_valid:
            continue
        if context.is_small(statement.table):
            continue
        yield context.found(
            f"the foreign key from {statement.table} to {constraint.references} stops writes on "
            "both tables while every row is checked",
            why=context.effect(statement.table, "SHARE ROW EXCLUSIVE", "scan"),
            recipe=_recipe(context.operation),
            statement=statement,
        )


def _recipe(operation: Operation) -> Recipe:
    model, name = model_of(operation), operation.field_name
    return (
        Paste(field_operation("AddForeignKeyNotValid", operation), atomic=False),
        Paste(
            f'ValidateConstraint("{model}", field="{name}")',
            title="a second migration: the old rows, under a lock that stops nobody",
        ),
    )


RULE = Rule(
    "add-foreign-key",
    19,
    Severity.ERROR,
    "Adds a foreign key with a scan under locks on both tables",
    "SHARE ROW EXCLUSIVE on child and parent lasts as long as the check of all rows. NOT VALID "
    "skips the check; VALIDATE CONSTRAINT makes up for it under weak locks.",
    check,
    Example(
        'migrations.AlterField("order", "customer", '
        'models.ForeignKey("shop.customer", models.CASCADE, null=True))',
        Blocks(reads=False),
        setup='migrations.AlterField("order", "customer", models.ForeignKey('
        '"shop.customer", models.CASCADE, null=True, db_constraint=False))',
        message="the foreign key from shop_order to shop_customer stops writes on both tables",
    ),
    lock="SHARE ROW EXCLUSIVE on both tables, scan",
)
