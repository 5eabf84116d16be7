"""A schema renamed: every query that names it fails."""

from __future__ import annotations

from collections.abc import Iterator

from ..context import Context
from ..paste import Note, Paste, Recipe, run_sql
from ..rule import BreaksOldCode, Example, Rule
from ..sql.statement import Statement
from ..violation import Severity, Violation


def check(context: Context) -> Iterator[Violation]:
    """Find ALTER SCHEMA … RENAME TO."""
    for statement in context.operation.all_statements:
        if statement.kind == "rename-schema":
            yield context.found(
                f"renaming the schema {statement.name} breaks every query that names it",
                recipe=_recipe(context, statement),
                statement=statement,
            )


def _recipe(context: Context, statement: Statement) -> Recipe:
    old, new = statement.name, statement.new_name
    create = run_sql(f"CREATE SCHEMA IF NOT EXISTS {new}", f"DROP SCHEMA {new} CASCADE")
    tables = [
        s.table
        for migration in context.plan.migrations
        for _, s in migration.statements()
        if s.kind == "create-table" and s.schema == old
    ] or ["your_table"]
    views = [run_sql(f"CREATE VIEW {new}.{name} AS SELECT * FROM {old}.{name}") for name in tables]
    return (
        Paste(",\n".join([create, *views]), title="both names, the new one as views"),
        Note(f"Deploy code that uses {new}; move the tables when nothing asks for {old} any more."),
    )


RULE = Rule(
    "rename-schema",
    38,
    Severity.ERROR,
    "Renames a schema",
    "The old release asks for the old name, in queries and in search_path.",
    check,
    Example(
        'migrations.RunSQL("ALTER SCHEMA stock RENAME TO warehouse", '
        '"ALTER SCHEMA warehouse RENAME TO stock")',
        BreaksOldCode("SELECT id FROM stock.item", "SELECT id FROM warehouse.item"),
        setup='migrations.RunSQL("CREATE SCHEMA stock; CREATE TABLE stock.item (id bigint)", '
        "migrations.RunSQL.noop)",
        message="renaming the schema stock breaks every query that names it",
    ),
    lock="none that matters",
)
