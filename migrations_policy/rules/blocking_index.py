"""CREATE INDEX without CONCURRENTLY: writes wait until it is built."""

from __future__ import annotations

from collections.abc import Iterator

from ..context import Context
from ..facts import Operation
from ..paste import Note, Paste, Recipe, concurrent_index_sql, field_operation, model_of
from ..rule import Blocks, Example, Rule
from ..sql.statement import Statement
from ..violation import Severity, Violation


def check(context: Context) -> Iterator[Violation]:
    """Find CREATE INDEX on tables in use; unique ones and foreign keys have their own rules."""
    operation = context.operation
    field = operation.field
    has_own_rule = field and (field.unique or (field.references and operation.kind == "AddField"))
    if operation.kind in {"AddField", "AlterField"} and has_own_rule:
        return
    seen: set[str | None] = set()
    for statement in context.commands("create-index"):
        if statement.concurrently or statement.unique or context.is_small(statement.table):
            continue
        if operation.kind in {"AddField", "AlterField"} and statement.table in seen:
            continue  # the second, *_like, index of a text field
        seen.add(statement.table)
        yield context.found(
            f'building the index "{statement.name}" stops writes on {statement.table}',
            why=context.effect(statement.table, "SHARE", "index-build"),
            recipe=_recipe(operation, statement),
            statement=statement,
        )


def _recipe(operation: Operation, statement: Statement) -> Recipe:
    model = model_of(operation)
    if operation.constraint_source:
        source = operation.constraint_source
        return (Paste(f'AddIndexConcurrently("{model}", {source})', atomic=False),)
    if operation.kind not in {"AddField", "AlterField"}:
        return (Paste(concurrent_index_sql(statement), atomic=False),)
    name = f"{operation.table}_{operation.field_name}_idx"[:30]
    index = f'models.Index(fields=["{operation.field_name}"], name="{name}")'
    build = Paste(f'AddIndexConcurrently("{model}", {index})', atomic=False)
    note = Note(f"Leave db_index out of the field, and put into Meta.indexes: {index}")
    if operation.kind == "AddField":
        return note, Paste(field_operation("AddField", operation, db_index=None)), build
    return note, build


RULE = Rule(
    "blocking-index",
    27,
    Severity.ERROR,
    "Builds an index while writes wait",
    "CONCURRENTLY reads the table twice and waits for old transactions, but takes a lock that "
    "stops neither readers nor writers.",
    check,
    Example(
        'migrations.AddIndex("order", models.Index(fields=["status"], name="order_status_idx"))',
        Blocks(reads=False),
        message='building the index "order_status_idx" stops writes on shop_order',
    ),
    lock="SHARE, index build",
)
