"""A migration without a way back."""

from __future__ import annotations

from collections.abc import Iterator

from ..context import Context
from ..facts import Operation
from ..paste import Note, Paste, Recipe, run_sql
from ..rule import Example, Fails, Rule
from ..sql.statement import Statement
from ..violation import Severity, Violation


def check(context: Context) -> Iterator[Violation]:
    """Find operations that cannot be reversed and are not declared so."""
    operation = context.operation
    if operation.reversible or not context.settings.reversible:
        return
    if context.migration.declared_irreversible:
        return
    yield context.found(
        f"{operation.kind} has no way back, so this release cannot be rolled back by migrate",
        recipe=_recipe(operation),
        table=operation.table,
    )


def _recipe(operation: Operation) -> Recipe:
    declare = Note('Or declare it on the class: policy_irreversible = "why there is no way back".')
    if operation.is_python:
        step = f"migrations.RunPython({operation.function}, migrations.RunPython.noop)"
        preamble = f"def {operation.function}(apps, schema_editor):\n    ..."
        return Paste(step, preamble=preamble), declare
    if operation.is_sql:
        steps = [run_sql(s.text, _inverse(s)) for s in operation.statements]
        return Paste(",\n".join(steps)), declare
    return (declare,)


def _inverse(statement: Statement) -> str | None:
    """Return the SQL that undoes a statement, where that is plain."""
    parts = []
    for action in statement.actions:
        if action.kind == "add-column":
            parts.append(f"DROP COLUMN {action.name}")
        elif action.kind == "add-constraint":
            parts.append(f"DROP CONSTRAINT {action.name}")
        elif action.kind == "set-not-null":
            parts.append(f"ALTER COLUMN {action.name} DROP NOT NULL")
    if parts and len(parts) == len(statement.actions):
        return f"ALTER TABLE {statement.table} {', '.join(parts)}"
    if statement.kind == "create-index":
        return f"DROP INDEX IF EXISTS {statement.name}"
    if statement.kind == "create-table":
        return f"DROP TABLE {statement.table}"
    return None


RULE = Rule(
    "irreversible",
    44,
    Severity.WARNING,
    "Has no way back",
    "When the new release must go, the schema stays behind it, and the old code may not fit.",
    check,
    Example(
        'migrations.RunSQL("ALTER TABLE shop_order ADD COLUMN flag int")',
        Fails("is not reversible", backwards=True),
        message="RunSQL has no way back",
    ),
    lock="none",
)
