"""A foreign key without an index: each delete of a parent reads the whole child."""

from __future__ import annotations

from collections.abc import Iterator

from ..context import Context
from ..facts import FieldFacts
from ..paste import Paste, field_operation, run_sql, sources
from ..rule import Example, Leaves, Rule
from ..violation import Severity, Violation


def check(context: Context) -> Iterator[Violation]:
    """Find foreign keys whose column no index starts with."""
    operation = context.operation
    field = operation.field
    if field is not None and field.references and field.db_constraint:
        if operation.kind in {"AddField", "AlterField"} and not (field.indexed or field.unique):
            yield _found(context, operation.table or "", field.column or field.name, field)
        return
    for statement, action in context.alterations("add-constraint") if operation.is_sql else ():
        constraint = action.constraint
        if constraint and constraint.kind == "foreign-key" and constraint.columns:
            column = constraint.columns[0]
            if not context.has_index(statement.table or "", column):
                yield _found(context, statement.table or "", column, None)


def _found(context: Context, table: str, column: str, field: FieldFacts | None) -> Violation:
    name = f"{table}_{column}_idx"[:30]
    if field is None:
        build = run_sql(
            f"CREATE INDEX CONCURRENTLY {name} ON {table} ({column})",
            f"DROP INDEX CONCURRENTLY IF EXISTS {name}",
        )
        drop = run_sql(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
        steps = (Paste(f"{drop},\n{build}", atomic=False), Paste(sources(context.operation)))
    else:
        whole = field_operation("AddForeignKeyNotValid", context.operation, db_index=None)
        plain = field_operation("AddField", context.operation, db_constraint="False")
        add = (Paste(plain),) if context.operation.kind == "AddField" else ()
        steps = (*add, Paste(whole, atomic=False, title="index and constraint"))
    return context.found(
        f'nothing indexes "{column}" of {table}: each delete or key change in the referenced '
        f"table reads all of {table}",
        recipe=steps,
        table=table,
    )


RULE = Rule(
    "foreign-key-without-index",
    23,
    Severity.WARNING,
    "Has a foreign key without an index",
    "PostgreSQL looks for children by a sequential scan, once for each deleted parent, while the "
    "parent's row is locked.",
    check,
    Example(
        'migrations.AddField("order", "payer", models.ForeignKey("shop.customer", models.CASCADE, '
        'null=True, related_name="paid", db_index=False))',
        Leaves(
            "SELECT count(*) FROM pg_index JOIN pg_attribute ON attrelid = indrelid "
            "AND attnum = indkey[0] WHERE indrelid = 'shop_order'::regclass "
            "AND attname = 'payer_id'",
            0,
            1,
        ),
        message='nothing indexes "payer_id" of shop_order',
    ),
    lock="row locks on the parent during a scan of the child",
)
