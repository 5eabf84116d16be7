"""A migration that may queue for a lock without limit: everybody queues behind it."""

from __future__ import annotations

from collections.abc import Iterator

from ..context import Context
from ..facts import Migration
from ..paste import Note, Paste, Recipe, run_sql, set_local, sources
from ..rule import Example, Queues, Rule
from ..violation import Severity, Violation


def check(context: Context) -> Iterator[Violation]:
    """Find locks that stop reads or writes, asked for without lock_timeout."""
    settings = context.settings
    if settings.uses_guard or settings.lock_timeout_ms or context.database.lock_timeout_ms:
        return
    for operation, statement in context.migration.statements():
        if statement.setting and statement.setting[0] == "lock_timeout":
            return
        for lock in context.locks(statement):
            if lock.blocks_reads or lock.blocks_writes:
                yield context.found(
                    f"waiting for the lock on {lock.table} has no limit: while it queues behind a "
                    "long transaction, every later query queues behind it",
                    why=context.effect(lock.table, lock.mode),
                    recipe=_recipe(context.migration),
                    table=lock.table,
                    source=operation.source,
                )
                return


def _recipe(migration: Migration) -> Recipe:
    timeout = "lock_timeout"
    first = set_local(timeout, "2s") if migration.atomic else run_sql(f"SET {timeout} = '2s'")
    return (
        Note(
            "Best: run `manage.py migrate_guarded`, which also retries, and set guarded = true. Or:"
        ),
        Paste(f"{first},\n{sources(*migration.operations)}", atomic=migration.atomic),
    )


RULE = Rule(
    "no-lock-timeout",
    34,
    Severity.WARNING,
    "Waits for a lock without limit",
    "Lock requests queue in order: a waiting ACCESS EXCLUSIVE stops even plain SELECTs, so one "
    "long report and one ALTER stop the shop until the report is done.",
    check,
    Example(
        'migrations.AddField("order", "gift", models.BooleanField(null=True))',
        Queues(),
        message="waiting for the lock on shop_order has no limit",
    ),
    lock="ACCESS EXCLUSIVE, waiting",
    scope="migration",
)
