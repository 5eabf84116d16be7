"""A unique constraint added at once: the index is built under the strongest lock."""

from __future__ import annotations

from collections.abc import Iterator

from ..context import Context
from ..facts import Operation
from ..paste import Note, Paste, Recipe, field_of, field_operation, model_of, run_sql
from ..rule import Blocks, Example, Rule
from ..sql.statement import Statement
from ..violation import Severity, Violation


def check(context: Context) -> Iterator[Violation]:
    """Find UNIQUE constraints and unique indexes built while the table is locked."""
    for statement, name, columns in _built(context):
        if context.is_small(statement.table):
            continue
        yield context.found(
            f"making {', '.join(columns) or name} of {statement.table} unique builds the index "
            "while the table is locked",
            why=context.effect(statement.table, "ACCESS EXCLUSIVE", "index-build"),
            recipe=_recipe(context.operation, statement, name, columns),
            statement=statement,
        )


def _built(context: Context) -> Iterator[tuple[Statement, str, tuple[str, ...]]]:
    for statement in context.commands("create-index"):
        if statement.unique and not statement.concurrently:
            yield statement, statement.name or "", statement.columns
    for statement, action in context.alterations("add-constraint", "add-column"):
        declared = action.column.constraints if action.column else (action.constraint,)
        for constraint in declared:
            if constraint and constraint.kind == "unique" and not constraint.index:
                name = constraint.name or f"{statement.table}_{action.name}_key"
                yield statement, name, constraint.columns


def _recipe(
    operation: Operation, statement: Statement, name: str, columns: tuple[str, ...]
) -> Recipe:
    if operation.constraint_source and "UniqueConstraint" in operation.constraint_source:
        add = f'AddUniqueConcurrently("{model_of(operation)}", {operation.constraint_source})'
        return (Paste(add, atomic=False),)
    if operation.kind == "AlterField":
        return (Paste(field_operation("SetUniqueSafely", operation), atomic=False),)
    if operation.kind == "AddField" and operation.field and operation.field.references:
        return _one_to_one(operation)
    if operation.kind == "AddField":
        plain = field_operation("AddField", operation, unique=None)
        return Paste(plain), Paste(field_operation("SetUniqueSafely", operation), atomic=False)
    if operation.is_sql or not operation.model:
        return (Paste(_sql(statement, name, columns), atomic=False),)
    fields = [f.name for c in columns if (f := operation.model.column(c))]
    source = f'models.UniqueConstraint(fields={fields!r}, name="{name[:30]}")'
    return (
        Note("Replace unique_together by a UniqueConstraint in Meta.constraints:"),
        Paste(f'AddUniqueConcurrently("{model_of(operation)}", {source})', atomic=False),
    )


def _one_to_one(operation: Operation) -> Recipe:
    model, name = model_of(operation), operation.field_name
    plain = field_of(operation).with_options(db_constraint="False")
    key = str(plain).replace("OneToOneField", "ForeignKey").rstrip(")") + ", db_index=False)"
    return (
        Paste(f'migrations.AddField("{model}", "{name}", {key})', title="the column alone"),
        Paste(
            field_operation("SetUniqueSafely", operation, db_constraint="False"),
            atomic=False,
            title="unique, its index built concurrently",
        ),
        Paste(field_operation("AddForeignKeyNotValid", operation), atomic=False),
        Paste(f'ValidateConstraint("{model}", field="{name}")'),
    )


def _sql(statement: Statement, name: str, columns: tuple[str, ...]) -> str:
    table = statement.table
    drop = f"DROP INDEX CONCURRENTLY IF EXISTS {name}"
    steps = [
        run_sql(drop),
        run_sql(f"CREATE UNIQUE INDEX CONCURRENTLY {name} ON {table} ({', '.join(columns)})"),
        run_sql(
            f"ALTER TABLE {table} ADD CONSTRAINT {name} UNIQUE USING INDEX {name}",
            f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {name}",
        ),
    ]
    return ",\n".join(steps)


RULE = Rule(
    "add-unique",
    24,
    Severity.ERROR,
    "Adds a unique constraint while the table is locked",
    "Building the index reads and sorts all rows under the lock. A unique index built "
    "concurrently can be made the constraint afterwards, in the catalog only.",
    check,
    Example(
        'migrations.AddConstraint("order", models.UniqueConstraint('
        'fields=["number"], name="order_number_unique"))',
        Blocks(),
        message="making number of shop_order unique builds the index while the table is locked",
    ),
    lock="ACCESS EXCLUSIVE, index build (SHARE for a bare unique index)",
)
