"""Today's model class in a migration: it does not fit the schema of that moment."""

from __future__ import annotations

from collections.abc import Iterator

from ..context import Context
from ..facts import Operation, Source
from ..paste import Note, Paste, Recipe
from ..rule import Example, Fails, Rule
from ..violation import Severity, Violation

MESSAGES = {
    "direct-import": "{function}() uses {subject} of today's code, which will not fit this "
    "migration's schema any more after the next change",
    "unknown-model": '{function}() asks for the model "{subject}", which does not exist here',
    "argument-names": "{function}({subject}) should take (apps, schema_editor)",
}


def check(context: Context) -> Iterator[Violation]:
    """Find imported models, wrong get_model() names and odd arguments in data functions."""
    operation = context.operation
    for finding in operation.findings:
        if finding.kind in MESSAGES:
            odd = finding.kind == "argument-names"
            yield context.found(
                MESSAGES[finding.kind].format(function=finding.function, subject=finding.subject),
                recipe=_recipe(operation, finding.subject),
                source=Source(operation.source.path, finding.line, finding.line, finding.subject),
                severity=Severity.INFO if odd else None,
            )


def _recipe(operation: Operation, subject: str) -> Recipe:
    parts = subject.split(".")
    model = parts[-1] if parts[-1].isidentifier() else "User"
    app = parts[-3] if len(parts) > 2 else context_app(operation)
    body = f"""
def {operation.function}(apps, schema_editor):
    {model} = apps.get_model("{app}", "{model}")
    {model}.objects.count()  # your code
"""
    step = f"migrations.RunPython({operation.function}, migrations.RunPython.noop)"
    return (
        Paste(step, preamble=body, title="the model as it was at this migration"),
        Note(f"List the migration that made {app}.{model} in dependencies."),
    )


def context_app(operation: Operation) -> str:
    """Return the app the operation's model belongs to, or a placeholder."""
    return operation.model.app_label if operation.model else "your_app"


RULE = Rule(
    "current-model",
    48,
    Severity.ERROR,
    "Uses today's models in a migration",
    "A new database runs all migrations with today's code: the class names columns that later "
    "migrations will add, and every SELECT fails.",
    check,
    Example(
        "migrations.RunPython(forwards, migrations.RunPython.noop)",
        Fails("column shop_order.later does not exist"),
        preamble="from shop.models import Order\n\n\ndef forwards(apps, schema_editor):\n"
        "    Order.objects.first()\n",
        message="forwards() uses shop.models.Order of today's code",
    ),
    lock="none",
)
