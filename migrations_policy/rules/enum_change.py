"""Changes of an enum type that old code, or the same transaction, cannot use."""

from __future__ import annotations

from collections.abc import Iterator

from ..context import Context
from ..paste import Note, Paste, Recipe, run_sql, split
from ..rule import Example, Fails, Rule
from ..sql.statement import Statement
from ..violation import Severity, Violation


def check(context: Context) -> Iterator[Violation]:
    """Find enum values used where they were added, unordered, renamed, and new enum types."""
    for statement in context.operation.all_statements:
        if statement.kind == "create-enum":
            message = f"the enum {statement.name} will be hard to change: values never leave it"
            yield _found(context, statement, message, Severity.INFO)
        elif statement.kind == "alter-enum" and statement.object_type == "rename-value":
            message = (
                f"renaming a value of {statement.name} breaks the release that writes the old one"
            )
            yield _found(context, statement, message, Severity.ERROR)
        elif statement.kind == "alter-enum":
            yield from _added(context, statement)


def _added(context: Context, statement: Statement) -> Iterator[Violation]:
    value = f"'{statement.new_name}'"
    later = [op for op in context.migration.operations if op.index > context.operation.index]
    uses = [op for op in later if any(value in s.text for s in op.statements)]
    if context.migration.atomic and uses:
        message = f"{value} of {statement.name} cannot be used in the transaction that adds it"
        yield _found(context, statement, message, Severity.ERROR)
    elif not statement.is_ordered:
        message = f"{value} sorts after all other values of {statement.name}; say BEFORE or AFTER"
        yield _found(context, statement, message, Severity.INFO)


def _found(context: Context, statement: Statement, message: str, severity: Severity) -> Violation:
    return context.found(
        message, recipe=_recipe(context, statement), statement=statement, severity=severity
    )


def _recipe(context: Context, statement: Statement) -> Recipe:
    table = f"{statement.name}_value"
    lookup = Note(
        f"Better than an enum: a lookup table {table} (name text PRIMARY KEY) with a foreign key."
    )
    if statement.object_type != "add-value":
        create = f"CREATE TABLE {table} (name text PRIMARY KEY)"
        return lookup, Paste(run_sql(create, f"DROP TABLE {table}"))
    at = context.operation.index + 1
    operations = context.migration.operations
    return *split(operations[:at], operations[at:]), lookup


RULE = Rule(
    "enum-change",
    37,
    Severity.ERROR,
    "Changes an enum type in a way that breaks",
    "A value added in a transaction cannot be used in it; a renamed one fails in the old release; "
    "and no value can ever be removed.",
    check,
    Example(
        "migrations.RunSQL(\"ALTER TYPE mood ADD VALUE 'late' AFTER 'fine'\", "
        "migrations.RunSQL.noop),\n"
        "migrations.RunSQL(\"INSERT INTO shop_mood VALUES ('late')\", migrations.RunSQL.noop)",
        Fails("unsafe use of new value"),
        setup="migrations.RunSQL(\"CREATE TYPE mood AS ENUM ('fine'); "
        'CREATE TABLE shop_mood (mood mood)", migrations.RunSQL.noop)',
        message="'late' of mood cannot be used in the transaction that adds it",
    ),
    lock="none that matters",
)
