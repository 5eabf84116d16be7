"""A constraint added in RunSQL without NOT VALID."""

from __future__ import annotations

from collections.abc import Iterator

from ..context import Context
from ..locks import LockMode
from ..paste import not_valid_sql
from ..rule import Blocks, Example, Rule
from ..violation import Severity, Violation

KINDS = {"check", "foreign-key"}


def check(context: Context) -> Iterator[Violation]:
    """Find ADD CONSTRAINT without NOT VALID in SQL written by hand."""
    if not context.operation.is_sql:
        return
    for statement, action in context.alterations("add-constraint"):
        constraint = action.constraint
        if constraint is None or constraint.kind not in KINDS or constraint.not_valid:
            continue
        if context.is_small(statement.table):
            continue
        mode: LockMode = "ACCESS EXCLUSIVE" if constraint.kind == "check" else "SHARE ROW EXCLUSIVE"
        yield context.found(
            f'"{action.name}" on {statement.table} is proved for every row while it is added',
            why=context.effect(statement.table, mode, "scan"),
            recipe=not_valid_sql(statement, action.name),
            statement=statement,
        )


RULE = Rule(
    "sql-constraint-at-once",
    51,
    Severity.ERROR,
    "Adds a constraint in SQL without NOT VALID",
    "As with Django's own operations: the whole table is read under the lock. NOT VALID skips "
    "that, VALIDATE CONSTRAINT makes up for it under a lock that stops nobody.",
    check,
    Example(
        'migrations.RunSQL("ALTER TABLE shop_order ADD CONSTRAINT positive CHECK (number >= 0)", '
        '"ALTER TABLE shop_order DROP CONSTRAINT positive")',
        Blocks(),
        message='"positive" on shop_order is proved for every row while it is added',
    ),
    lock="ACCESS EXCLUSIVE (foreign keys: SHARE ROW EXCLUSIVE on both tables), scan",
)
