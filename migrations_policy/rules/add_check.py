"""A CHECK added at once: every row is read under the strongest lock."""

from __future__ import annotations

from collections.abc import Iterator

from ..context import Context
from ..facts import Operation
from ..paste import Paste, Recipe, field_of, field_operation, model_of
from ..rule import Blocks, Example, Rule
from ..violation import Severity, Violation


def check(context: Context) -> Iterator[Violation]:
    """Find CHECK constraints that are validated while they are added."""
    if context.operation.is_sql:
        return
    for statement, action in context.alterations("add-constraint", "add-column"):
        if context.is_small(statement.table):
            continue
        column = action.column
        declared = column.constraints if column else (action.constraint,)
        for constraint in declared:
            if constraint is None or constraint.kind != "check" or constraint.not_valid:
                continue
            name = constraint.name or (column.name if column else "")
            yield context.found(
                f'the check "{name}" on {statement.table} is proved row by row while it is added',
                why=context.effect(statement.table, "ACCESS EXCLUSIVE", "scan"),
                recipe=_recipe(context.operation, constraint.expression),
                statement=statement,
                severity=Severity.WARNING if column else None,
            )


def _recipe(operation: Operation, expression: str) -> Recipe:
    model = model_of(operation)
    if operation.constraint_source:
        source, name = operation.constraint_source, operation.name
        first = None
    else:
        plain = field_of(operation).path.replace("Positive", "")
        field = field_operation("AddField", operation).replace(field_of(operation).path, plain)
        name = f"{operation.table}_{operation.field_name}_positive"
        source = (
            f"models.CheckConstraint(condition=models.Q({operation.field_name}__gte=0), "
            f'name="{name}")'
        )
        first = Paste(field, title="the column without its check")
    steps = (
        Paste(f'AddCheckNotValid("{model}", {source})', title="new rows are checked from now on"),
        Paste(
            f'ValidateConstraint("{model}", "{name}")',
            title="a second migration: the old rows, under a lock that stops nobody",
        ),
    )
    return (first, *steps) if first else steps


RULE = Rule(
    "add-check",
    18,
    Severity.ERROR,
    "Adds a CHECK constraint with a scan under the strongest lock",
    "NOT VALID skips the scan; VALIDATE CONSTRAINT makes up for it under SHARE UPDATE EXCLUSIVE.",
    check,
    Example(
        'migrations.AddConstraint("order", models.CheckConstraint('
        'condition=models.Q(number__gte=0), name="number_positive"))',
        Blocks(),
        message='the check "number_positive" on shop_order is proved row by row',
    ),
    lock="ACCESS EXCLUSIVE, scan",
)
