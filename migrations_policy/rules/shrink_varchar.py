"""A shorter varchar: PostgreSQL reads and rewrites every row to see whether it fits."""

from __future__ import annotations

from collections.abc import Iterator

from ..column_types import is_shorter
from ..context import Context
from ..paste import Note, Paste, Recipe, run_sql
from ..rule import Blocks, Example, Rule
from ..sql.statement import Action
from ..violation import Severity, Violation


def check(context: Context) -> Iterator[Violation]:
    """Find ALTER COLUMN … TYPE varchar(n) with n smaller than before."""
    for statement, action in context.alterations("alter-type"):
        old = context.column_type(statement.table or "", action.name or "")
        if action.type is None or old is None or context.is_small(statement.table):
            continue
        if is_shorter(old, str(action.type)):
            yield context.found(
                f'shortening "{action.name}" of {statement.table} from {old} to {action.type} '
                "rewrites the table, and fails on the first value that is too long",
                why=context.effect(statement.table, "ACCESS EXCLUSIVE", "rewrite"),
                recipe=_recipe(statement.table or "", action),
                statement=statement,
            )


def _recipe(table: str, action: Action) -> Recipe:
    length = action.type.modifiers[0] if action.type and action.type.modifiers else 0
    name = f"{table}_{action.name}_length"
    add = (
        f"ALTER TABLE {table} ADD CONSTRAINT {name} "
        f"CHECK (length({action.name}) <= {length}) NOT VALID"
    )
    drop = f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {name}"
    return (
        Note(f"Keep the column's type; let max_length={length} validate in forms, and:"),
        Paste(run_sql(add, drop), title="new rows are checked from now on"),
        Paste(
            run_sql(f"ALTER TABLE {table} VALIDATE CONSTRAINT {name}"),
            "after",
            title="a second migration: the old rows",
        ),
    )


RULE = Rule(
    "shrink-varchar",
    14,
    Severity.ERROR,
    "Shortens a varchar column",
    "Every row is read and written anew under the strongest lock.",
    check,
    Example(
        'migrations.AlterField("order", "status", models.CharField(max_length=10, default="new"))',
        Blocks(),
        message='shortening "status" of shop_order from varchar(20) to varchar(10)',
    ),
    lock="ACCESS EXCLUSIVE, rewrite",
)
