"""Several rewrites of one table, where one ALTER TABLE would do them together."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ..context import Context
from ..facts import Operation
from ..paste import Paste, Recipe, run_sql
from ..rule import Example, Leaves, Rule
from ..sql.statement import Statement
from ..violation import Severity, Violation


def check(context: Context) -> Iterator[Violation]:
    """Find tables that one migration rewrites more than once."""
    rewritten: dict[str, list[tuple[Operation, Statement]]] = {}
    for operation, statement in context.migration.statements():
        if statement.kind != "alter-table":
            continue
        for lock in context.locks(statement):
            if lock.work == "rewrite":
                rewritten.setdefault(lock.table, []).append((operation, statement))
    for table, found in rewritten.items():
        if len(found) > 1 and not context.is_small(table):
            yield context.found(
                f"{table} is rewritten {len(found)} times; one ALTER TABLE does it once",
                why=context.effect(table, "ACCESS EXCLUSIVE", "rewrite"),
                recipe=_recipe(table, [statement for _, statement in found]),
                table=table,
                source=found[1][0].source,
            )


def _recipe(table: str, statements: list[Statement]) -> Recipe:
    parts = [re.sub(r"^ALTER TABLE (ONLY )?\S+ ", "", statement.text) for statement in statements]
    return (Paste(run_sql(f"ALTER TABLE {table} {', '.join(parts)}")),)


RULE = Rule(
    "repeated-rewrites",
    33,
    Severity.WARNING,
    "Rewrites one table several times",
    "Each ALTER TABLE reads and writes all rows again; PostgreSQL combines the actions of one.",
    check,
    Example(
        'migrations.RunSQL("ALTER TABLE shop_order ALTER COLUMN number TYPE bigint", '
        "migrations.RunSQL.noop),\n"
        'migrations.RunSQL("ALTER TABLE shop_order ALTER COLUMN total TYPE numeric(14, 4)", '
        "migrations.RunSQL.noop)",
        Leaves("rewrites of shop_order", 2, 1),
        message="shop_order is rewritten 2 times; one ALTER TABLE does it once",
        keeps=("change-type", "unthrottled-rewrite"),
    ),
    lock="ACCESS EXCLUSIVE, one rewrite each",
    scope="migration",
)
