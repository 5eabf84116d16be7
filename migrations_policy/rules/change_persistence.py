"""SET UNLOGGED or SET LOGGED: the table is rewritten; an unlogged one is empty after a crash."""

from __future__ import annotations

from collections.abc import Iterator

from ..context import Context
from ..paste import Note, Paste, Recipe, run_sql
from ..rule import Blocks, Example, Rule
from ..violation import Severity, Violation


def check(context: Context) -> Iterator[Violation]:
    """Find ALTER TABLE … SET [UN]LOGGED."""
    for statement, action in context.alterations("set-unlogged", "set-logged"):
        if context.is_small(statement.table):
            continue
        command = action.kind.replace("-", " ").upper()
        yield context.found(
            f"{command} rewrites {statement.table}; unlogged tables are empty after a crash and "
            "on replicas",
            why=context.effect(statement.table, "ACCESS EXCLUSIVE", "rewrite"),
            recipe=_recipe(statement.table or "", "UNLOGGED " if "un" in action.kind else ""),
            statement=statement,
        )


def _recipe(table: str, kind: str) -> Recipe:
    following = f"{table}_next"
    create = f"CREATE {kind}TABLE {following} (LIKE {table} INCLUDING ALL)"
    return (
        Paste(run_sql(create, f"DROP TABLE {following}")),
        Note(f"Write to both, copy the rows in batches, then point the model to {following}."),
    )


RULE = Rule(
    "change-persistence",
    63,
    Severity.ERROR,
    "Makes a table unlogged or logged",
    "The table and its indexes are written anew under the strongest lock.",
    check,
    Example(
        'migrations.RunSQL("ALTER TABLE shop_order SET UNLOGGED", migrations.RunSQL.noop)',
        Blocks(),
        message="SET UNLOGGED rewrites shop_order",
    ),
    lock="ACCESS EXCLUSIVE, rewrite",
)
