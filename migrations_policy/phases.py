"""Deploy phases: whether a migration belongs before the new release, after it, or at any time.

Declared as `policy_phase = "before" | "after" | "anytime"` on the migration class, else inferred.
"""

from __future__ import annotations

from typing import cast, get_args

from .facts import Migration, Operation
from .facts.migrations import Phase
from .sql.statement import Statement

# What the old release cannot live with comes after it is gone; what the new one needs, before.
AFTER_ACTIONS = {"drop-column", "set-not-null", "drop-default"}
BEFORE_ACTIONS = {"add-column", "set-default"}
AFTER_KINDS = {"drop-table", "rename-table", "rename-column", "drop-schema", "drop-type"}
BEFORE_KINDS = {"create-table", "create-enum"}


def statement_phase(statement: Statement) -> Phase:
    """Return the phase a statement needs; indexes, validation and data suit any."""
    kinds = {action.kind for action in statement.actions}
    if statement.kind in AFTER_KINDS or "drop-column" in kinds:
        return "after"
    if statement.kind in BEFORE_KINDS or kinds & BEFORE_ACTIONS:
        return "before"
    return "after" if kinds & AFTER_ACTIONS else "anytime"


def operation_phase(operation: Operation) -> Phase:
    """Return the phase of one operation: an added column stays `before` with all that follows."""
    found = {statement_phase(statement) for statement in operation.all_statements}
    if operation.kind in {"AddField", "CreateModel", "RenameFieldSafely"} and "before" in found:
        return "before"
    if operation.kind in {"RemoveFieldSafely", "RemoveModelSafely"}:
        return "before"
    if "after" in found:
        return "after"
    return "before" if "before" in found else "anytime"


def infer(migration: Migration) -> frozenset[Phase]:
    """Return the phases its operations need, without those that suit any."""
    return frozenset(operation_phase(op) for op in migration.operations) - {"anytime"}


def phase_of(migration: Migration) -> Phase | None:
    """Return the declared or inferred phase; None when its operations need both.

    Raises ValueError for a declared phase that is none.
    """
    if migration.declared_phase is not None:
        if migration.declared_phase not in get_args(Phase):
            choices = ", ".join(get_args(Phase))
            raise ValueError(
                f"{migration.label}: policy_phase is {migration.declared_phase!r}; use {choices}"
            )
        return cast("Phase", migration.declared_phase)
    needed = infer(migration)
    if len(needed) > 1:
        return None
    return next(iter(needed), "anytime")
