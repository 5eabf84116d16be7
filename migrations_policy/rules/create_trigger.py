"""A trigger on a table in use: creating it queues behind every writer, and writers behind it."""

from __future__ import annotations

from collections.abc import Iterator

from ..context import Context
from ..facts import Operation
from ..paste import Paste, Recipe, set_local, sources
from ..rule import Example, Queues, Rule
from ..violation import Severity, Violation


def check(context: Context) -> Iterator[Violation]:
    """Find CREATE TRIGGER without lock_timeout."""
    settings = context.settings
    limited = settings.uses_guard or settings.lock_timeout_ms or context.database.lock_timeout_ms
    sets = any(
        s.setting and s.setting[0] == "lock_timeout" for _, s in context.migration.statements()
    )
    if limited or sets or context.operation.is_retry_safe:
        return
    for statement in context.commands("create-trigger"):
        yield context.found(
            f'creating the trigger "{statement.name}" waits for every writer of '
            f"{statement.table}, and new writers wait for it",
            why=context.effect(statement.table, "SHARE ROW EXCLUSIVE"),
            recipe=_recipe(context.operation),
            statement=statement,
        )


def _recipe(operation: Operation) -> Recipe:
    limit = set_local("lock_timeout", "2s")
    return (Paste(f"{limit},\n{sources(operation)}", title="gives up before anyone notices"),)


RULE = Rule(
    "create-trigger",
    63,
    Severity.WARNING,
    "Creates a trigger on a table in use",
    "The lock conflicts with every write; without lock_timeout the queue has no end.",
    check,
    Example(
        'migrations.RunSQL("CREATE TRIGGER quiet BEFORE UPDATE ON shop_order FOR EACH ROW '
        'EXECUTE FUNCTION suppress_redundant_updates_trigger()", '
        '"DROP TRIGGER quiet ON shop_order")',
        Queues(),
        message='creating the trigger "quiet" waits for every writer of shop_order',
    ),
    lock="SHARE ROW EXCLUSIVE, catalog only",
)
