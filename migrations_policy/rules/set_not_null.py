"""SET NOT NULL reads the whole table under the strongest lock, unless a valid CHECK proves it."""

from __future__ import annotations

from collections.abc import Iterator

from ..context import Context
from ..facts import Operation
from ..paste import Note, Paste, Recipe, field_of, field_operation, model_of, not_null_sql
from ..rule import Blocks, Example, Rule
from ..violation import Severity, Violation


def check(context: Context) -> Iterator[Violation]:
    """Find SET NOT NULL that nothing has proved before."""
    for statement, action in context.alterations("set-not-null"):
        table, column = statement.table or "", action.name or ""
        known = context.database.column(table, column)
        is_done = known is not None and not known.nullable
        if is_done or context.is_small(table) or context.is_proved(f"{column} IS NOT NULL", table):
            continue
        yield context.found(
            f'making "{column}" of {table} NOT NULL reads the whole table to prove it',
            why=context.effect(table, "ACCESS EXCLUSIVE", "scan"),
            recipe=_recipe(context, table, column),
            statement=statement,
        )


def _recipe(context: Context, table: str, column: str) -> Recipe:
    if context.operation.kind != "AlterField":
        return not_null_sql(table, column)
    prove = Paste(field_operation("SetNotNullSafely", context.operation), "after", False)
    value = _filling(context.operation)
    if value is None:
        note = f"First deploy code that never writes NULL into {column}, and fill the old rows."
        return Note(note), prove
    name = context.operation.field_name
    fill = (
        f'BackfillInBatches("{model_of(context.operation)}", {{"{name}": {value}}}, '
        f"where=models.Q({name}__isnull=True))"
    )
    return (
        Note(f"First deploy code that never writes NULL into {column}."),
        Paste(fill, "after", False, "the old rows"),
        prove,
    )


def _filling(operation: Operation) -> str | None:
    """Return what Django would fill the old rows with in the same operation."""
    if not any(statement.kind == "update" for statement in operation.statements):
        return None
    return operation.given_default or field_of(operation).option("default")


RULE = Rule(
    "set-not-null",
    16,
    Severity.ERROR,
    "Sets NOT NULL with a scan under the strongest lock",
    "A CHECK (column IS NOT NULL), added NOT VALID and validated under a weak lock, is proof "
    "enough: SET NOT NULL then reads nothing.",
    check,
    Example(
        'migrations.AlterField("order", "note", models.TextField())',
        Blocks(),
        setup="migrations.RunSQL(\"UPDATE shop_order SET note = ''\", migrations.RunSQL.noop)",
        message='making "note" of shop_order NOT NULL reads the whole table to prove it',
    ),
    lock="ACCESS EXCLUSIVE, scan",
    versions="14 and later: CHECK as proof; 18 also has NOT NULL … NOT VALID",
)
