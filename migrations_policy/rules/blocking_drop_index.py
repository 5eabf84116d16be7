"""DROP INDEX without CONCURRENTLY: it queues for the strongest lock on the table."""

from __future__ import annotations

from collections.abc import Iterator

from ..context import Context
from ..facts import Operation
from ..paste import Paste, Recipe, model_of, run_sql, sources
from ..rule import Example, Queues, Rule
from ..sql.statement import Statement
from ..violation import Severity, Violation


def check(context: Context) -> Iterator[Violation]:
    """Find DROP INDEX of indexes on tables in use."""
    operation = context.operation
    if context.is_new(operation.table):
        return
    for statement in operation.all_statements:
        if statement.kind != "drop-index" or statement.concurrently:
            continue
        yield context.found(
            f'dropping the index "{statement.name}" takes the strongest lock on its table',
            why=context.effect(operation.table, "ACCESS EXCLUSIVE"),
            recipe=_recipe(operation, statement),
            statement=statement,
            table=operation.table,
        )


def _recipe(operation: Operation, statement: Statement) -> Recipe:
    if operation.kind == "RemoveIndex":
        drop = f'RemoveIndexConcurrently("{model_of(operation)}", "{operation.name}")'
        return (Paste(drop, "after", False),)
    drop = run_sql(f"DROP INDEX CONCURRENTLY IF EXISTS {statement.name}")
    if operation.is_sql:
        return (Paste(drop, "after", False),)
    state = f"state_operations=[{sources(operation)}]"
    both = (
        f"migrations.SeparateDatabaseAndState(\n    database_operations=[{drop}],\n    {state},\n)"
    )
    return (Paste(both, "after", False),)


RULE = Rule(
    "blocking-drop-index",
    30,
    Severity.ERROR,
    "Drops an index under the strongest lock",
    "The drop itself is quick, but it waits for every open transaction on the table, and all "
    "later queries wait behind it.",
    check,
    Example(
        'migrations.RemoveIndex("order", "order_number_idx")',
        Queues(),
        setup='migrations.AddIndex("order", '
        'models.Index(fields=["number"], name="order_number_idx"))',
        message='dropping the index "order_number_idx" takes the strongest lock',
    ),
    lock="ACCESS EXCLUSIVE, catalog only",
)
