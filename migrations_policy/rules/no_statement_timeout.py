"""Long work without a limit: nothing ends a statement that takes longer than anyone thought."""

from __future__ import annotations

from collections.abc import Iterator

from ..context import Context
from ..facts import Migration
from ..paste import Note, Paste, Recipe, run_sql, set_local, sources
from ..rule import Example, Leaves, Rule
from ..violation import Severity, Violation


def check(context: Context) -> Iterator[Violation]:
    """Find heavy statements under locks that stop writes, without statement_timeout."""
    settings, database = context.settings, context.database
    if settings.uses_guard or settings.statement_timeout_ms or database.statement_timeout_ms:
        return
    for operation, statement in context.migration.statements():
        if statement.setting and statement.setting[0] == "statement_timeout":
            return
        for lock in context.locks(statement):
            heavy = lock.work != "catalog" and lock.blocks_writes
            if heavy and not context.is_small(lock.table):
                yield context.found(
                    f"nothing ends the work on {lock.table} if it takes longer than planned",
                    why=context.effect(lock.table, lock.mode, lock.work),
                    recipe=_recipe(context.migration),
                    table=lock.table,
                    source=operation.source,
                )
                return


def _recipe(migration: Migration) -> Recipe:
    timeout = "statement_timeout"
    first = set_local(timeout, "10s") if migration.atomic else run_sql(f"SET {timeout} = '10s'")
    return (
        Note("Best: run `manage.py migrate_guarded` and set guarded = true. Or:"),
        Paste(f"{first},\n{sources(*migration.operations)}", atomic=migration.atomic),
    )


RULE = Rule(
    "no-statement-timeout",
    35,
    Severity.INFO,
    "Works under a lock without a time limit",
    "With statement_timeout the worst case is a failed migration; without it, a stopped shop. "
    "Concurrent index builds are the exception: give them no limit.",
    check,
    Example(
        'migrations.RunSQL("LOCK TABLE shop_order IN SHARE MODE", migrations.RunSQL.noop),\n'
        'migrations.AlterField("order", "number", models.BigIntegerField())',
        Leaves("current_setting", "0", "10s"),
        message="nothing ends the work on shop_order if it takes longer than planned",
        keeps=("change-type", "unthrottled-rewrite"),
    ),
    lock="as the statement's, for as long as it takes",
    scope="migration",
)
