"""A concurrent build that is run again after it broke: the invalid index stays."""

from __future__ import annotations

from collections.abc import Iterator

from ..context import Context
from ..facts import Operation
from ..paste import Paste, Recipe, concurrent_index_sql, model_of
from ..rule import Example, Leaves, Rule
from ..sql.statement import Statement
from ..violation import Severity, Violation


def check(context: Context) -> Iterator[Violation]:
    """Find CREATE INDEX CONCURRENTLY that would meet its own broken rest."""
    if context.operation.is_retry_safe or context.migration.atomic:
        return
    for statement in context.operation.all_statements:
        if statement.kind != "create-index" or not statement.concurrently:
            continue
        if context.is_dropped_before(statement):
            continue
        yield context.found(
            f'when building "{statement.name}" breaks off, an invalid index stays behind: the '
            "next run " + ("skips it" if statement.if_exists else "fails on it"),
            recipe=_recipe(context.operation, statement),
            statement=statement,
        )


def _recipe(operation: Operation, statement: Statement) -> Recipe:
    if operation.constraint_source:
        source = operation.constraint_source
        return (Paste(f'AddIndexConcurrently("{model_of(operation)}", {source})', atomic=False),)
    return (Paste(concurrent_index_sql(statement), atomic=False),)


RULE = Rule(
    "unrepaired-index",
    29,
    Severity.ERROR,
    "Builds an index concurrently without clearing a broken one first",
    "A broken build leaves an index that costs writes and serves no reads. IF NOT EXISTS finds its "
    "name and does nothing; without it the name clashes.",
    check,
    Example(
        'migrations.RunSQL("CREATE INDEX CONCURRENTLY IF NOT EXISTS order_status '
        'ON shop_order (status)", "DROP INDEX CONCURRENTLY IF EXISTS order_status")',
        Leaves(
            "SELECT indisvalid FROM pg_index WHERE indexrelid = 'order_status'::regclass",
            False,
            True,
        ),
        setup='migrations.RunSQL("CREATE INDEX order_status ON shop_order (status); '
        "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'order_status'::regclass\", "
        "migrations.RunSQL.noop)",
        message='when building "order_status" breaks off, an invalid index stays behind',
        atomic=False,
    ),
    lock="SHARE UPDATE EXCLUSIVE",
)
