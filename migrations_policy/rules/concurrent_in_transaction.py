"""CONCURRENTLY inside a transaction: PostgreSQL refuses it."""

from __future__ import annotations

from collections.abc import Iterator

from ..context import Context
from ..facts import Operation
from ..paste import Paste, Recipe, concurrent_index_sql, sources
from ..rule import Example, Fails, Rule
from ..sql.statement import Statement
from ..violation import Severity, Violation

KINDS = {"create-index", "drop-index", "reindex"}


def check(context: Context) -> Iterator[Violation]:
    """Find commands of an atomic migration that cannot run inside a transaction."""
    if not context.migration.atomic:
        return
    for statement in context.operation.all_statements:
        detaches = any(action.concurrently for action in statement.actions)
        concurrent = statement.kind in KINDS and statement.concurrently
        if not (detaches or concurrent or statement.kind.startswith("vacuum")):
            continue
        yield context.found(
            f"{' '.join(statement.text.split()[:3])} … cannot run inside the migration's "
            "transaction",
            recipe=_recipe(context.operation, statement),
            statement=statement,
        )


def _recipe(operation: Operation, statement: Statement) -> Recipe:
    if operation.is_sql and statement.kind == "create-index":
        return (Paste(concurrent_index_sql(statement), atomic=False),)
    return (Paste(sources(operation), atomic=False),)


RULE = Rule(
    "concurrent-in-transaction",
    28,
    Severity.ERROR,
    "Uses CONCURRENTLY in an atomic migration",
    "The command commits in the middle of its work, so PostgreSQL refuses it in a transaction. "
    "The migration needs atomic = False, and nothing else in it.",
    check,
    Example(
        'migrations.RunSQL("CREATE INDEX CONCURRENTLY order_status ON shop_order (status)", '
        '"DROP INDEX order_status")',
        Fails("cannot run inside a transaction block"),
        message="CREATE INDEX CONCURRENTLY … cannot run inside the migration's transaction",
    ),
    lock="none: it fails at once",
)
