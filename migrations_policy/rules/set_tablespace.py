"""SET TABLESPACE: the table is copied, byte by byte, under the strongest lock."""

from __future__ import annotations

from collections.abc import Iterator

from ..context import Context
from ..paste import Note, Paste, Recipe, run_sql
from ..rule import Blocks, Example, Rule
from ..violation import Severity, Violation


def check(context: Context) -> Iterator[Violation]:
    """Find ALTER TABLE … SET TABLESPACE."""
    for statement, action in context.alterations("set-tablespace"):
        if context.is_small(statement.table):
            continue
        yield context.found(
            f"moving {statement.table} to the tablespace {action.name} copies it under the "
            "strongest lock",
            why=context.effect(statement.table, "ACCESS EXCLUSIVE", "rewrite"),
            recipe=_recipe(statement.table or "", action.name or ""),
            statement=statement,
        )


def _recipe(table: str, tablespace: str) -> Recipe:
    following = f"{table}_next"
    create = f"CREATE TABLE {following} (LIKE {table} INCLUDING ALL) TABLESPACE {tablespace}"
    return (
        Paste(run_sql(create, f"DROP TABLE {following}"), title="an empty copy over there"),
        Note(
            f"Write to both, copy the rows in batches, then point the model to {following} "
            f"with db_table. Or let pg_repack --tablespace={tablespace} do it."
        ),
    )


RULE = Rule(
    "set-tablespace",
    62,
    Severity.ERROR,
    "Moves a table to another tablespace",
    "All its blocks are copied before anyone may read it again.",
    check,
    Example(
        'migrations.RunSQL("ALTER TABLE shop_order SET TABLESPACE slow", migrations.RunSQL.noop)',
        Blocks(),
        message="moving shop_order to the tablespace slow copies it",
    ),
    lock="ACCESS EXCLUSIVE, copy of the files",
)
