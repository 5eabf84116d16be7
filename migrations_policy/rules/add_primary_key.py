"""A primary key added at once, or from an index over a nullable column."""

from __future__ import annotations

from collections.abc import Iterator

from ..context import Context
from ..locks import Work
from ..paste import Paste, Recipe, not_null_sql, run_sql
from ..rule import Blocks, Example, Rule
from ..violation import Severity, Violation


def check(context: Context) -> Iterator[Violation]:
    """Find ADD PRIMARY KEY that builds its index, or must prove NOT NULL, under the lock."""
    for statement, action in context.alterations("add-constraint"):
        constraint = action.constraint
        table = statement.table or ""
        if constraint is None or constraint.kind != "primary-key" or context.is_small(table):
            continue
        columns = constraint.columns or context.index_columns(constraint.index or "")
        proved = all(context.is_not_null(table, column) for column in columns) and columns
        if constraint.index and proved:
            continue
        work: Work = "scan" if constraint.index else "index-build"
        yield context.found(
            f"the primary key of {table} is built or proved NOT NULL while the table is locked",
            why=context.effect(table, "ACCESS EXCLUSIVE", work),
            recipe=_recipe(table, columns or ("id",)),
            statement=statement,
        )


def _recipe(table: str, columns: tuple[str, ...]) -> Recipe:
    name = f"{table}_pkey"
    drop = f"DROP INDEX CONCURRENTLY IF EXISTS {name}"
    build = f"CREATE UNIQUE INDEX CONCURRENTLY {name} ON {table} ({', '.join(columns)})"
    add = f"ALTER TABLE {table} ADD CONSTRAINT {name} PRIMARY KEY USING INDEX {name}"
    back = f"ALTER TABLE {table} DROP CONSTRAINT {name}"
    steps = [run_sql(drop), run_sql(build), run_sql(add, back)]
    proofs = tuple(step for column in columns for step in not_null_sql(table, column))
    return (*proofs, Paste(",\n".join(steps), "after", False, "the key, from a ready index"))


RULE = Rule(
    "add-primary-key",
    25,
    Severity.ERROR,
    "Adds a primary key while the table is locked",
    "A primary key needs a unique index and NOT NULL. Both can be prepared under weak locks; "
    "USING INDEX then changes the catalog only.",
    check,
    Example(
        'migrations.RunSQL("ALTER TABLE shop_legacy ADD PRIMARY KEY (id)", '
        '"ALTER TABLE shop_legacy DROP CONSTRAINT shop_legacy_pkey")',
        Blocks("shop_legacy"),
        setup='migrations.RunSQL("CREATE TABLE shop_legacy AS '
        'SELECT generate_series(1, 2000)::bigint AS id", migrations.RunSQL.noop)',
        message="the primary key of shop_legacy is built or proved NOT NULL",
    ),
    lock="ACCESS EXCLUSIVE, index build",
)
