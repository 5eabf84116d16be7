"""Schema and data changed in one migration: the schema's lock lasts over the data's work."""

from __future__ import annotations

from collections.abc import Iterator

from ..context import Context
from ..facts import Migration, Operation
from ..paste import Recipe, split
from ..rule import Blocks, Example, Rule
from ..violation import Severity, Violation


def check(context: Context) -> Iterator[Violation]:
    """Find migrations that change both a used table's schema and rows."""
    if not context.settings.separate_data_and_schema:
        return
    schema, data = None, None
    for operation in context.migration.operations:
        if _changes_data(operation):
            data = operation
        elif schema is None:
            schema = _altered(context, operation)
    if schema and data:
        operation, table = schema
        yield context.found(
            f"the migration alters {table} and changes data: the lock of the one lasts as long "
            "as the other",
            why=context.effect(table, "ACCESS EXCLUSIVE", "scan"),
            recipe=_recipe(context.migration),
            table=table,
            source=data.source,
        )


def _changes_data(operation: Operation) -> bool:
    return operation.is_data or any(
        statement.is_data_change for statement in operation.statements if operation.is_sql
    )


def _altered(context: Context, operation: Operation) -> tuple[Operation, str] | None:
    for statement in operation.all_statements:
        for lock in context.locks(statement):
            if statement.is_schema_change and lock.blocks_writes and lock.table == statement.table:
                return operation, lock.table
    return None


def _recipe(migration: Migration) -> Recipe:
    data = tuple(op for op in migration.operations if _changes_data(op))
    schema = tuple(op for op in migration.operations if not _changes_data(op))
    return split(schema, data)


RULE = Rule(
    "schema-with-data",
    46,
    Severity.ERROR,
    "Changes schema and data in one migration",
    "Locks last until the transaction ends: ADD COLUMN takes a millisecond, the backfill behind "
    "it minutes, and nobody reads the table meanwhile.",
    check,
    Example(
        'migrations.AddField("order", "gift", models.BooleanField(null=True)),\n'
        'migrations.RunSQL("UPDATE shop_order SET gift = false '
        'WHERE id BETWEEN 1 AND 1000", migrations.RunSQL.noop)',
        Blocks(),
        message="the migration alters shop_order and changes data",
    ),
    lock="ACCESS EXCLUSIVE, for as long as the data takes",
    scope="migration",
)
