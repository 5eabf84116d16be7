"""A `json` column: it has no equality, so DISTINCT, GROUP BY and UNION on the table fail."""

from __future__ import annotations

from collections.abc import Iterator

from ..context import Context
from ..paste import Paste, Recipe, run_sql
from ..rule import BreaksOldCode, Example, Rule
from ..sql.statement import Statement
from ..violation import Severity, Violation


def check(context: Context) -> Iterator[Violation]:
    """Find columns of type json, new or changed."""
    for statement in context.operation.all_statements:
        for column in _columns(statement):
            yield context.found(
                f'"{column}" of {statement.table} is json, which has no equality operator: '
                "SELECT DISTINCT over the model fails",
                recipe=_recipe(statement),
                statement=statement,
            )


def _columns(statement: Statement) -> Iterator[str]:
    for column in statement.definitions:
        if column.type.name == "json":
            yield column.name
    for action in statement.actions:
        kind = action.column.type if action.column else action.type
        if kind and kind.name == "json" and action.name:
            yield action.name


def _recipe(statement: Statement) -> Recipe:
    text = statement.text.replace(" json", " jsonb")
    return (Paste(run_sql(text)),)


RULE = Rule(
    "json-column",
    7,
    Severity.ERROR,
    "Makes a json column instead of jsonb",
    "The old release's SELECT DISTINCT * on the table fails as soon as the column is there.",
    check,
    Example(
        'migrations.RunSQL("ALTER TABLE shop_order ADD COLUMN data json", '
        '"ALTER TABLE shop_order DROP COLUMN data")',
        BreaksOldCode("SELECT DISTINCT * FROM shop_order"),
        message='"data" of shop_order is json, which has no equality operator',
    ),
    lock="ACCESS EXCLUSIVE, catalog only",
)
