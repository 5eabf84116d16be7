"""CLUSTER and VACUUM FULL: the table is copied under the strongest lock."""

from __future__ import annotations

from collections.abc import Iterator

from ..context import Context
from ..paste import Note, Paste, Recipe, run_sql
from ..rule import Blocks, Example, Rule
from ..violation import Severity, Violation


def check(context: Context) -> Iterator[Violation]:
    """Find CLUSTER and VACUUM FULL."""
    for statement in context.operation.all_statements:
        if statement.kind not in {"cluster", "vacuum-full"} or context.is_small(statement.table):
            continue
        command = statement.kind.replace("-", " ").upper()
        table = statement.table or "every table"
        yield context.found(
            f"{command} copies {table} and lets nobody read it meanwhile",
            why=context.effect(statement.table, "ACCESS EXCLUSIVE", "rewrite"),
            recipe=_recipe(statement.table or ""),
            statement=statement,
        )


def _recipe(table: str) -> Recipe:
    return (
        Note(f"To shrink or sort {table} while it is used, run pg_repack, outside migrations."),
        Paste(run_sql(f"VACUUM (ANALYZE) {table}"), atomic=False, title="frees space for reuse"),
    )


RULE = Rule(
    "table-rewrite",
    40,
    Severity.ERROR,
    "Copies a whole table under the strongest lock",
    "Both commands write a new copy of the table and all its indexes before anyone may read it.",
    check,
    Example(
        'migrations.RunSQL("CLUSTER shop_order USING shop_order_pkey", migrations.RunSQL.noop)',
        Blocks(),
        message="CLUSTER copies shop_order and lets nobody read it meanwhile",
    ),
    lock="ACCESS EXCLUSIVE, rewrite",
)
