"""An index over more than three columns."""

from __future__ import annotations

from collections.abc import Iterator

from ..context import Context
from ..paste import Paste, Recipe, run_sql
from ..rule import Example, Leaves, Rule
from ..sql.statement import Statement
from ..violation import Severity, Violation

LIMIT = 3


def check(context: Context) -> Iterator[Violation]:
    """Find non-unique indexes over many columns."""
    for statement in context.operation.all_statements:
        if statement.kind != "create-index" or statement.unique:
            continue
        if len(statement.columns) > LIMIT:
            yield context.found(
                f'"{statement.name}" covers {len(statement.columns)} columns; the last ones '
                "rarely help and every write pays for them",
                recipe=_recipe(statement),
                statement=statement,
            )


def _recipe(statement: Statement) -> Recipe:
    name, table = statement.name, statement.table
    columns = ", ".join(statement.columns[:LIMIT])
    drop = f"DROP INDEX CONCURRENTLY IF EXISTS {name}"
    build = f"CREATE INDEX CONCURRENTLY {name} ON {table} ({columns})"
    return (Paste(f"{run_sql(drop)},\n{run_sql(build, drop)}", atomic=False),)


RULE = Rule(
    "wide-index",
    61,
    Severity.INFO,
    "Builds an index over many columns",
    "A B-tree narrows by its first columns; wide entries make it deep, large and slow to write.",
    check,
    Example(
        'migrations.AddIndex("order", models.Index('
        'fields=["status", "number", "total", "note"], name="order_wide"))',
        Leaves(
            "SELECT indnatts FROM pg_index WHERE indexrelid = 'order_wide'::regclass",
            4,
            3,
        ),
        message='"order_wide" covers 4 columns',
    ),
    lock="as any index build",
)
