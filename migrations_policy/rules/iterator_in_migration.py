""".iterator() in a data function: its server-side cursor dies behind a transaction pooler."""

from __future__ import annotations

from collections.abc import Iterator

from ..context import Context
from ..facts import Operation, Source
from ..paste import Paste, Recipe, data_model
from ..rule import Example, NotShown, Rule
from ..violation import Severity, Violation


def check(context: Context) -> Iterator[Violation]:
    """Find .iterator() in data functions."""
    operation = context.operation
    for finding in operation.findings:
        if finding.kind == "iterator":
            yield context.found(
                f"{finding.subject}() in {finding.function}() opens a server-side cursor, which "
                "does not survive behind a transaction pooler, and holds one snapshot to the end",
                recipe=_recipe(operation),
                source=Source(operation.source.path, finding.line, finding.line, finding.subject),
            )


def _recipe(operation: Operation) -> Recipe:
    app, model = data_model(operation)
    body = f"""
def {operation.function}(apps, schema_editor):
    {model} = apps.get_model("{app}", "{model}")
    last = 0
    while batch := list({model}.objects.filter(pk__gt=last).order_by("pk")[:1000]):
        for row in batch:
            ...
        last = batch[-1].pk
"""
    step = f"migrations.RunPython({operation.function}, migrations.RunPython.noop)"
    return (Paste(step, "after", False, "batches by key", body),)


RULE = Rule(
    "iterator-in-migration",
    47,
    Severity.WARNING,
    "Uses .iterator() in a migration",
    "PgBouncer in transaction mode hands the connection on while the cursor is open. And a cursor "
    "keeps VACUUM from cleaning up for as long as it lives.",
    check,
    Example(
        "migrations.RunPython(forwards, migrations.RunPython.noop)",
        NotShown(
            "It takes a transaction pooler in front of PostgreSQL to break; directly connected, "
            "the migration works and only its snapshot is long."
        ),
        preamble='def forwards(apps, schema_editor):\n    Order = apps.get_model("shop", "Order")\n'
        "    for order in Order.objects.iterator():\n        print(order.pk)\n",
        message="Order.objects.iterator() in forwards() opens a server-side cursor",
    ),
    lock="a snapshot for as long as the loop takes",
)
