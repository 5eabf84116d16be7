"""What earlier statements of the plan say about a table: proofs, indexes, columns. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from .facts import Migration, Plan
from .sql.statement import Action, Column, Statement


def until(plan: Plan, migration: Migration, last: Statement | None = None) -> Iterator[Statement]:
    """Yield the plan's statements up to `last`, or to the end of `migration`."""
    for earlier in plan.migrations:
        for _, statement in earlier.statements():
            if statement is last:
                return
            yield statement
        if earlier.key == migration.key:
            return


def actions(statements: Iterator[Statement], table: str) -> Iterator[Action]:
    """Yield the ALTER TABLE actions on one table."""
    for statement in statements:
        if statement.table == table:
            yield from statement.actions


def validated(plan: Plan, migration: Migration, table: str, expression: str) -> bool:
    """Return whether a CHECK with this expression was added NOT VALID and then validated."""
    names: set[str | None] = set()
    for action in actions(until(plan, migration), table):
        constraint = action.constraint
        if constraint and constraint.kind == "check" and expression in constraint.expression:
            names.add(action.name)
        if action.kind == "validate-constraint" and action.name in names:
            return True
    return False


def indexes(plan: Plan, migration: Migration) -> Iterator[Statement]:
    """Yield the CREATE INDEX statements so far."""
    return (s for s in until(plan, migration) if s.kind == "create-index")


def columns(plan: Plan, migration: Migration) -> Iterator[tuple[str, Column]]:
    """Yield (table, column) for every column defined so far."""
    for statement in until(plan, migration):
        for column in statement.definitions:
            yield statement.table or "", column
        for action in statement.actions:
            if action.column:
                yield statement.table or "", action.column


def is_set_not_null(plan: Plan, migration: Migration, table: str, column: str) -> bool:
    """Return whether the plan so far made the column NOT NULL."""
    for where, defined in columns(plan, migration):
        if where == table and defined.name == column and defined.not_null:
            return True
    return any(
        action.kind == "set-not-null" and action.name == column
        for action in actions(until(plan, migration), table)
    )
