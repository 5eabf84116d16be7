"""DROP TABLE IF EXISTS before CREATE TABLE: what was there is gone."""

from __future__ import annotations

from collections.abc import Iterator

from ..context import Context
from ..paste import Paste, Recipe, run_sql
from ..rule import Example, Leaves, Rule
from ..violation import Severity, Violation


def check(context: Context) -> Iterator[Violation]:
    """Find a table that one migration drops if it exists and creates anew."""
    created = context.migration.created_tables()
    for statement in context.operation.statements:
        if statement.kind != "drop-table" or not statement.if_exists:
            continue
        for table in statement.tables:
            if table in created:
                yield context.found(
                    f"if {table} already exists, its rows are thrown away and it is made anew",
                    recipe=_recipe(context, table),
                    table=table,
                    statement=statement,
                )


def _recipe(context: Context, table: str) -> Recipe:
    for _, statement in context.migration.statements():
        if statement.kind == "create-table" and statement.table == table:
            text = statement.text.replace("CREATE TABLE ", "CREATE TABLE IF NOT EXISTS ", 1)
            return (Paste(run_sql(text)),)
    return ()


RULE = Rule(
    "forced-create",
    61,
    Severity.ERROR,
    "Drops a table in order to create it",
    "Meant for a table left over by a failed run, it also hits the one in use.",
    check,
    Example(
        'migrations.RunSQL("DROP TABLE IF EXISTS shop_legacy; '
        'CREATE TABLE shop_legacy (id bigint)", migrations.RunSQL.noop)',
        Leaves("SELECT count(*) FROM shop_legacy", 0, 3),
        setup='migrations.RunSQL("CREATE TABLE shop_legacy AS SELECT generate_series(1, 3) AS id", '
        "migrations.RunSQL.noop)",
        message="if shop_legacy already exists, its rows are thrown away",
    ),
    lock="ACCESS EXCLUSIVE, catalog only",
)
