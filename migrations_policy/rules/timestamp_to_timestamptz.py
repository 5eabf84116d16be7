"""timestamp to timestamptz: a rewrite, unless the session's time zone is UTC."""

from __future__ import annotations

from collections.abc import Iterator

from ..context import Context
from ..facts import Operation
from ..paste import Paste, Recipe, run_sql, sources
from ..rule import Blocks, Example, Rule
from ..violation import Severity, Violation


def check(context: Context) -> Iterator[Violation]:
    """Find timestamp → timestamptz in a session that is not known to be in UTC."""
    for statement, action in context.alterations("alter-type"):
        old = context.column_type(statement.table or "", action.name or "")
        if action.type is None or action.type.name != "timestamptz":
            continue
        if old is None or not old.startswith("timestamp") or old.startswith("timestamptz"):
            continue
        if context.session_time_zone() == "UTC":
            continue
        yield context.found(
            f'making "{action.name}" of {statement.table} timestamptz rewrites the table unless '
            "the session's time zone is UTC",
            why=context.effect(statement.table, "ACCESS EXCLUSIVE", "rewrite"),
            recipe=_recipe(context.operation),
            statement=statement,
        )


def _recipe(operation: Operation) -> Recipe:
    zone = run_sql("SET LOCAL TIME ZONE 'UTC'")
    return (Paste(f"{zone},\n{sources(operation)}", title="in UTC only the catalog changes"),)


RULE = Rule(
    "timestamp-to-timestamptz",
    15,
    Severity.ERROR,
    "Turns timestamp into timestamptz outside UTC",
    "In UTC both types have the same bytes and nothing is rewritten; in any other zone each value "
    "is converted.",
    check,
    Example(
        "migrations.RunSQL(\"SET LOCAL TIME ZONE 'Europe/Berlin'\", migrations.RunSQL.noop),\n"
        'migrations.RunSQL("ALTER TABLE shop_order ALTER COLUMN shipped TYPE timestamptz", '
        "migrations.RunSQL.noop)",
        Blocks(),
        setup='migrations.RunSQL("ALTER TABLE shop_order ADD COLUMN shipped timestamp", '
        "migrations.RunSQL.noop)",
        message='making "shipped" of shop_order timestamptz rewrites the table unless',
    ),
    lock="ACCESS EXCLUSIVE, rewrite",
)
