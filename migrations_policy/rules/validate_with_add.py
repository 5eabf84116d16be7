"""A constraint validated in the transaction that added it: the strong lock lasts over the scan."""

from __future__ import annotations

from collections.abc import Iterator

from ..context import Context
from ..facts import Migration, Operation
from ..paste import Recipe, split
from ..rule import Blocks, Example, Rule
from ..violation import Severity, Violation


def check(context: Context) -> Iterator[Violation]:
    """Find VALIDATE CONSTRAINT in the same transaction as its ADD … NOT VALID."""
    if not context.migration.atomic:
        return
    added: set[tuple[str | None, str | None]] = set()
    for operation, statement in context.migration.statements():
        for action in statement.actions:
            if (
                action.kind == "add-constraint"
                and action.constraint
                and action.constraint.not_valid
            ):
                added.add((statement.table, action.name))
            if action.kind == "validate-constraint" and (statement.table, action.name) in added:
                yield context.found(
                    f'validating "{action.name}" in the migration that adds it keeps '
                    f"{statement.table} locked during the whole scan",
                    why=context.effect(statement.table, "ACCESS EXCLUSIVE", "scan"),
                    recipe=_recipe(context.migration, operation),
                    statement=statement,
                    source=operation.source,
                )


def _recipe(migration: Migration, validating: Operation) -> Recipe:
    at = validating.index
    return split(migration.operations[:at], migration.operations[at:])


RULE = Rule(
    "validate-with-add",
    22,
    Severity.ERROR,
    "Validates a constraint in the transaction that added it",
    "Locks last until the transaction ends: the lock of ADD CONSTRAINT is still held while "
    "VALIDATE reads the table, so nothing was won.",
    check,
    Example(
        'migrations.RunSQL("ALTER TABLE shop_order ADD CONSTRAINT positive CHECK (number >= 0) '
        'NOT VALID", "ALTER TABLE shop_order DROP CONSTRAINT positive"),\n'
        'migrations.RunSQL("ALTER TABLE shop_order VALIDATE CONSTRAINT positive", '
        "migrations.RunSQL.noop)",
        Blocks(),
        message='validating "positive" in the migration that adds it keeps shop_order locked',
    ),
    lock="ACCESS EXCLUSIVE, scan",
    scope="migration",
)
