"""A data change of many rows in one statement or transaction."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ..context import Context
from ..facts import Operation, Source
from ..paste import Note, Paste, Recipe, data_model, quoted, run_sql
from ..rule import Blocks, Example, Rule
from ..sql.statement import Statement
from ..violation import Severity, Violation


def check(context: Context) -> Iterator[Violation]:
    """Find UPDATE and DELETE without bounds, in SQL and in data functions."""
    operation = context.operation
    for statement in context.commands("update", "delete", "insert"):
        if not operation.is_sql or statement.is_limited or context.is_small(statement.table):
            continue
        yield context.found(
            f"{statement.kind.upper()} of {statement.table} touches all rows in one transaction: "
            "they stay locked until its end, and their old versions bloat the table",
            why=context.effect(statement.table, "ROW EXCLUSIVE", "scan"),
            recipe=_recipe(statement),
            statement=statement,
        )
    for finding in operation.findings:
        if finding.kind == "unbatched-write":
            yield context.found(
                f"{finding.subject} in {finding.function}() changes all rows in one transaction",
                recipe=_python_recipe(operation),
                source=Source(operation.source.path, finding.line, finding.line, finding.subject),
            )


def _recipe(statement: Statement) -> Recipe:
    table = statement.table
    match = re.match(r"UPDATE .*? SET (.*?)(?: WHERE (.*))?$", statement.text, re.S | re.I)
    if match and statement.kind == "update":
        where = f", {quoted(match[2])}" if match[2] else ""
        update = f'UpdateInBatches("{table}", {quoted(match[1])}{where})'
        return (Paste(update, "after", False),)
    where = re.sub(r"^.*? WHERE ", "WHERE ", statement.text, flags=re.S | re.I)
    condition = where if statement.has_where else ""
    batch = f"DELETE FROM {table} WHERE id IN (SELECT id FROM {table} {condition} LIMIT 1000)"
    return (Paste(run_sql(batch), "after", False, "repeat until no row is left"),)


def _python_recipe(operation: Operation) -> Recipe:
    app, model = data_model(operation)
    body = f"""
def {operation.function}(apps, schema_editor):
    {model} = apps.get_model("{app}", "{model}")
    last = 0
    while keys := list(
        {model}.objects.filter(pk__gt=last).order_by("pk").values_list("pk", flat=True)[:1000]
    ):
        {model}.objects.filter(pk__in=keys).update(...)
        last = keys[-1]
"""
    step = f"migrations.RunPython({operation.function}, migrations.RunPython.noop)"
    return (
        Note("BackfillInBatches does this with a throttle and a bookmark; by hand it is:"),
        Paste(step, "after", False, "batches by key, each its own transaction", body),
    )


RULE = Rule(
    "unbatched-update",
    45,
    Severity.ERROR,
    "Changes many rows in one transaction",
    "Visitors who write the same rows wait until the transaction ends, replicas fall behind, and "
    "VACUUM cannot clean up meanwhile.",
    check,
    Example(
        "migrations.RunSQL(\"UPDATE shop_order SET note = 'old' WHERE note IS NULL\", "
        "migrations.RunSQL.noop)",
        Blocks(reads=False),
        message="UPDATE of shop_order touches all rows in one transaction",
    ),
    lock="ROW EXCLUSIVE, and a lock on every row",
)
