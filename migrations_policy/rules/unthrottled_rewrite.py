"""A rewrite with replicas: they fall behind, and their readers are cancelled or wait."""

from __future__ import annotations

from collections.abc import Iterator

from ..context import Context
from ..facts import Operation
from ..paste import Note, Recipe
from ..rule import Blocks, Example, Rule
from ..violation import Severity, Violation


def check(context: Context) -> Iterator[Violation]:
    """Find rewrites and index builds of large tables where standbys have to replay them."""
    if context.settings.uses_guard or context.database.replicas == 0:
        return
    for statement in context.operation.all_statements:
        for lock in context.locks(statement):
            if lock.work not in {"rewrite", "index-build"} or context.is_small(lock.table):
                continue
            if context.database.replicas is None and not lock.blocks_reads:
                continue
            yield context.found(
                f"replicas have to replay the whole {lock.work} of {lock.table}, and their "
                "readers wait or are cancelled",
                why=context.effect(lock.table, lock.mode, lock.work),
                recipe=_recipe(context.operation),
                table=lock.table,
                statement=statement,
            )
            return


def _recipe(operation: Operation) -> Recipe:
    return (
        Note(
            "Run `manage.py migrate_guarded --max-lag 5`, which waits while replicas lag, "
            "and set guarded = true."
        ),
        Note("Or take the replicas out of rotation (drain them) until they have replayed it."),
    )


RULE = Rule(
    "unthrottled-rewrite",
    64,
    Severity.WARNING,
    "Rewrites a table without looking at the replicas",
    "The log of a rewrite is as large as the table. Standbys also replay its ACCESS EXCLUSIVE "
    "lock, which stops their readers, and after max_standby_streaming_delay cancels them.",
    check,
    Example(
        'migrations.AlterField("order", "number", models.BigIntegerField())',
        Blocks(),
        message="replicas have to replay the whole rewrite of shop_order",
        replicas=2,
        keeps=("change-type",),
    ),
    lock="ACCESS EXCLUSIVE, also on every standby",
)
