"""Pieces of recipes: the source of operations, with the names of the operation judged."""

from __future__ import annotations

import ast
import textwrap

from .facts import FieldSource, Operation
from .recipe import Note, Paste, Recipe
from .sql.statement import Statement

DEPLOY = Note("Deploy the new release, and wait until no process of the old one is left.")


def quoted(text: str) -> str:
    """Return a double-quoted Python literal."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"' if "\n" not in text else f'"""{escaped}"""'


def run_sql(sql: str, reverse: str | None = None) -> str:
    """Return a RunSQL operation; without `reverse` it is declared to need no way back."""
    back = "migrations.RunSQL.noop" if reverse is None else quoted(reverse)
    return f"migrations.RunSQL({quoted(sql)}, reverse_sql={back})"


def model_of(operation: Operation) -> str:
    """Return the model's name in lower case, as operations take it."""
    return operation.model.name.lower() if operation.model else "model"


def field_of(operation: Operation) -> FieldSource:
    """Return the field's source, after the operation or else before it."""
    field = operation.field or operation.old_field
    return field.source if field else FieldSource("models.TextField")


def field_operation(kind: str, operation: Operation, **options: str | None) -> str:
    """Return AddField, AlterField, SetNotNullSafely … for the operation's field."""
    prefix = "migrations." if kind in {"AddField", "AlterField"} else ""
    field = field_of(operation).with_options(**options)
    return f'{prefix}{kind}("{model_of(operation)}", "{operation.field_name}", {field})'


def literal(sql: str) -> str | None:
    """Return the Python literal of an SQL constant, or None when it is none."""
    known = {"true": "True", "false": "False"}
    if sql.lower() in known:
        return known[sql.lower()]
    try:
        return repr(ast.literal_eval(sql))
    except (ValueError, SyntaxError):
        return None


def without(text: str, *words: str) -> str:
    """Return SQL without some words, for recipes that quote a statement."""
    for word in words:
        text = text.replace(word, "")
    return " ".join(text.split())


def nullable_first(operation: Operation, value: str) -> Recipe:
    """Return the long way to a NOT NULL column: nullable, code, backfill, constraint."""
    model, name = model_of(operation), operation.field_name
    nullable = field_operation("AddField", operation, null="True", default=None, unique=None)
    return (
        Paste(nullable),
        Note(f"Deploy code that writes {name} in every row it saves, and reads it as optional."),
        Paste(
            f'BackfillInBatches("{model}", {{"{name}": {value}}}, '
            f"where=models.Q({name}__isnull=True))",
            phase="after",
            atomic=False,
            title="a migration after the deploy, for the old rows",
        ),
        Paste(
            field_operation("SetNotNullSafely", operation, null=None),
            phase="after",
            atomic=False,
            title="a migration that proves it",
        ),
    )


def not_null_sql(table: str, column: str) -> Recipe:
    """Return SET NOT NULL for hand-written SQL without a scan under the lock."""
    name = f"{table}_{column}_not_null"
    steps = [
        run_sql(
            f"ALTER TABLE {table} ADD CONSTRAINT {name} CHECK ({column} IS NOT NULL) NOT VALID",
            f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {name}",
        ),
        run_sql(f"ALTER TABLE {table} VALIDATE CONSTRAINT {name}"),
        run_sql(
            f"ALTER TABLE {table} ALTER COLUMN {column} SET NOT NULL",
            f"ALTER TABLE {table} ALTER COLUMN {column} DROP NOT NULL",
        ),
        run_sql(f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {name}"),
    ]
    return (Paste(",\n".join(steps), phase="after", atomic=False),)


def not_valid_sql(statement: Statement, name: str | None) -> Recipe:
    """Return ADD CONSTRAINT … NOT VALID and its validation, for hand-written SQL."""
    name = name or f"{statement.table}_check"
    add = statement.text.rstrip("; ") + " NOT VALID"
    drop = f"ALTER TABLE {statement.table} DROP CONSTRAINT IF EXISTS {name}"
    validate = f"ALTER TABLE {statement.table} VALIDATE CONSTRAINT {name}"
    return (
        Paste(run_sql(add, drop)),
        Paste(run_sql(validate), title="a second migration, so that the lock is gone"),
    )


def concurrent_index_sql(statement: Statement) -> str:
    """Return RunSQL operations that drop a half-built index and build it without blocking."""
    name = statement.name or f"{statement.table}_{'_'.join(statement.columns)}"
    text = without(statement.text, "CONCURRENTLY ", "IF NOT EXISTS ")
    create = text.replace("INDEX ", f"INDEX CONCURRENTLY {'' if statement.name else name + ' '}", 1)
    drop = f"DROP INDEX CONCURRENTLY IF EXISTS {name}"
    return f"{run_sql(drop)},\n{run_sql(create, drop)}"


def sources(*operations: Operation) -> str:
    """Return operations as they stand in the file, one after another."""
    return ",\n".join(textwrap.dedent(op.source.text.strip().rstrip(",")) for op in operations)


def split(*groups: tuple[Operation, ...], atomic: bool = True) -> Recipe:
    """Return one migration for each group of operations, as they stand in the file."""
    ordinals = ("first", "second", "third", "fourth")
    return tuple(
        Paste(sources(*group), atomic=atomic, title=f"a {ordinal} migration")
        for group, ordinal in zip(groups, ordinals, strict=False)
        if group
    )


def data_model(operation: Operation) -> tuple[str, str]:
    """Return the app and model that a data function asks for first, or names to fill in."""
    for finding in operation.findings:
        if finding.kind == "uses-model" and "." in finding.subject:
            app, _, model = finding.subject.partition(".")
            return app, model
    return "your_app", "YourModel"


def set_local(setting: str, value: str) -> str:
    """Return the operation that sets a setting for the rest of the migration's transaction."""
    return run_sql(f"SET LOCAL {setting} = '{value}'")


__all__ = [
    "DEPLOY",
    "Note",
    "Paste",
    "Recipe",
    "concurrent_index_sql",
    "data_model",
    "field_of",
    "field_operation",
    "literal",
    "model_of",
    "not_null_sql",
    "not_valid_sql",
    "nullable_first",
    "quoted",
    "run_sql",
    "set_local",
    "sources",
    "split",
    "without",
]
