"""An EXCLUDE constraint on a filled table: there is no way to add it without the strongest lock."""

from __future__ import annotations

from collections.abc import Iterator

from ..context import Context
from ..paste import Note, Paste, Recipe, run_sql
from ..rule import Blocks, Example, Rule
from ..sql.statement import Statement
from ..violation import Severity, Violation


def check(context: Context) -> Iterator[Violation]:
    """Find ADD CONSTRAINT … EXCLUDE."""
    for statement, action in context.alterations("add-constraint"):
        if action.constraint is None or action.constraint.kind != "exclusion":
            continue
        if context.is_small(statement.table):
            continue
        yield context.found(
            f'the exclusion constraint "{action.name}" is built over all rows of '
            f"{statement.table}, and PostgreSQL has no NOT VALID for it",
            why=context.effect(statement.table, "ACCESS EXCLUSIVE", "index-build"),
            recipe=_recipe(statement),
            statement=statement,
        )


def _recipe(statement: Statement) -> Recipe:
    table = statement.table or ""
    following = f"{table}_next"
    copy = run_sql(
        f"CREATE TABLE {following} (LIKE {table} INCLUDING ALL)", f"DROP TABLE {following}"
    )
    constraint = run_sql(statement.text.replace(table, following, 1))
    return (
        Paste(f"{copy},\n{constraint}", title="the constraint, on an empty copy of the table"),
        Note(
            f"Write to both tables, copy the old rows into {following} in batches, "
            f"then point the model to it with db_table."
        ),
    )


RULE = Rule(
    "exclusion-constraint",
    26,
    Severity.ERROR,
    "Adds an exclusion constraint to a table with rows",
    "Its index is built row by row under the lock: 300,000 rows took 3.7 seconds.",
    check,
    Example(
        'migrations.RunSQL("ALTER TABLE shop_order ADD CONSTRAINT slots '
        'EXCLUDE USING gist (slot WITH &&)", "ALTER TABLE shop_order DROP CONSTRAINT slots")',
        Blocks(),
        setup='migrations.RunSQL("ALTER TABLE shop_order ADD COLUMN slot int4range; '
        'UPDATE shop_order SET slot = int4range(id::int, id::int + 1)", migrations.RunSQL.noop)',
        message='the exclusion constraint "slots" is built over all rows of shop_order',
    ),
    lock="ACCESS EXCLUSIVE, index build",
)
