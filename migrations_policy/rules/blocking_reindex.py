"""REINDEX without CONCURRENTLY: writes wait until the index is rebuilt."""

from __future__ import annotations

from collections.abc import Iterator

from ..context import Context
from ..paste import Paste, Recipe, run_sql
from ..rule import Blocks, Example, Rule
from ..sql.statement import Statement
from ..violation import Severity, Violation


def check(context: Context) -> Iterator[Violation]:
    """Find REINDEX that blocks."""
    for statement in context.commands("reindex"):
        if statement.concurrently or context.is_small(statement.table):
            continue
        yield context.found(
            f"rebuilding {statement.name} stops writes on its table, and reads too: planning "
            "opens every index",
            why=context.effect(statement.table, "SHARE", "index-build"),
            recipe=_recipe(statement),
            statement=statement,
        )


def _recipe(statement: Statement) -> Recipe:
    kind = "INDEX" if statement.object_type == "index" else "TABLE"
    return (Paste(run_sql(f"REINDEX {kind} CONCURRENTLY {statement.name}"), atomic=False),)


RULE = Rule(
    "blocking-reindex",
    31,
    Severity.ERROR,
    "Rebuilds indexes while writes wait",
    "REINDEX takes SHARE on the table and ACCESS EXCLUSIVE on its indexes. Planning a SELECT opens "
    "every index of the table, so reads wait as well.",
    check,
    Example(
        'migrations.RunSQL("REINDEX TABLE shop_order", migrations.RunSQL.noop)',
        Blocks(),
        message="rebuilding shop_order stops writes on its table",
    ),
    lock="SHARE on the table, ACCESS EXCLUSIVE on its indexes, index build",
)
