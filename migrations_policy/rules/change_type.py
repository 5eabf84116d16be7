"""A change of type that PostgreSQL can only do by rewriting the table."""

from __future__ import annotations

from collections.abc import Iterator

from ..column_types import is_shorter, widens
from ..context import Context
from ..facts import Operation
from ..paste import Note, Paste, Recipe, field_of, model_of, run_sql
from ..rule import Blocks, Example, Rule
from ..sql.statement import Action, Statement
from ..violation import Severity, Violation


def check(context: Context) -> Iterator[Violation]:
    """Find ALTER COLUMN … TYPE unless the new type merely widens the old one."""
    for statement, action in context.alterations("alter-type"):
        old = context.column_type(statement.table or "", action.name or "")
        if action.type is None or context.is_small(statement.table):
            continue
        if old and (widens(old, str(action.type)) or is_shorter(old, str(action.type))):
            continue
        if old and old.startswith("timestamp") and action.type.name == "timestamptz":
            continue
        was = old or "its old type"
        yield context.found(
            f'changing "{action.name}" of {statement.table} from {was} to {action.type} rewrites '
            "the table and its indexes",
            why=context.effect(statement.table, "ACCESS EXCLUSIVE", "rewrite"),
            recipe=_recipe(context.operation, statement, action),
            statement=statement,
        )


def _recipe(operation: Operation, statement: Statement, action: Action) -> Recipe:
    new = f"{action.name}_new"
    dual = Note(f"Deploy code that writes {new} wherever it writes {action.name}.")
    last = Note(
        f"Read {new} instead, then remove {action.name} by RemoveFieldSafely and DropColumnSafely."
    )
    if operation.kind != "AlterField" or operation.field is None:
        table = statement.table
        add = run_sql(
            f"ALTER TABLE {table} ADD COLUMN {new} {action.type}",
            f"ALTER TABLE {table} DROP COLUMN {new}",
        )
        fill = f'UpdateInBatches("{table}", "{new} = {action.name}", "{new} IS NULL")'
        return Paste(add), dual, Paste(fill, "after", False, "the old rows"), last
    model = model_of(operation)
    field = field_of(operation).with_options(null="True", default=None)
    add = f'migrations.AddField("{model}", "{new}", {field})'
    fill = (
        f'BackfillInBatches("{model}", {{"{new}": models.F("{operation.field_name}")}}, '
        f"where=models.Q({new}__isnull=True))"
    )
    return Paste(add), dual, Paste(fill, "after", False, "the old rows"), last


RULE = Rule(
    "change-type",
    13,
    Severity.ERROR,
    "Changes a column's type with a rewrite",
    "Only a few changes are free: varchar to a longer varchar or text, numeric to more digits "
    "with the same scale. All else writes every row and index anew.",
    check,
    Example(
        'migrations.AlterField("order", "number", models.BigIntegerField())',
        Blocks(),
        message='changing "number" of shop_order from integer to bigint rewrites the table',
    ),
    lock="ACCESS EXCLUSIVE, rewrite",
)
