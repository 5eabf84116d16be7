"""Long work in a transaction that already holds the strongest lock on another table."""

from __future__ import annotations

from collections.abc import Iterator

from ..context import Context
from ..facts import Migration, Operation
from ..paste import Recipe, split
from ..rule import Blocks, Example, Rule
from ..violation import Severity, Violation

HEAVY = {"scan", "rewrite", "index-build"}


def check(context: Context) -> Iterator[Violation]:
    """Find heavy statements that run after a catalog change took the strongest lock."""
    if not context.migration.atomic:
        return
    held: tuple[int, str] | None = None
    for operation, statement in context.migration.statements():
        locks = context.locks(statement)
        later = held and operation.index != held[0] and not statement.is_data_change
        heavy = any(lock.work in HEAVY and not context.is_small(lock.table) for lock in locks)
        if held and later and heavy:
            yield context.found(
                f"{held[1]} stays locked while the next statement works: {statement.text[:60]}",
                why=context.effect(held[1], "ACCESS EXCLUSIVE"),
                recipe=_recipe(context.migration, operation),
                statement=statement,
                source=operation.source,
            )
            return
        strongest = [lock.table for lock in locks if lock.blocks_reads and lock.work == "catalog"]
        held = held or ((operation.index, strongest[0]) if strongest else None)


def _recipe(migration: Migration, heavy: Operation) -> Recipe:
    return split(migration.operations[: heavy.index], migration.operations[heavy.index :])


RULE = Rule(
    "work-while-locked",
    32,
    Severity.WARNING,
    "Does long work while the strongest lock is held",
    "A lock lasts until the transaction ends. A change that takes a millisecond stops the shop "
    "for as long as what follows it in the same migration.",
    check,
    Example(
        'migrations.AddField("order", "gift", models.BooleanField(null=True)),\n'
        'migrations.RunSQL("ALTER TABLE shop_order VALIDATE CONSTRAINT positive", '
        "migrations.RunSQL.noop)",
        Blocks(),
        setup='migrations.RunSQL("ALTER TABLE shop_order ADD CONSTRAINT positive '
        'CHECK (number >= 0) NOT VALID", migrations.RunSQL.noop)',
        message="shop_order stays locked while the next statement works",
    ),
    lock="ACCESS EXCLUSIVE, for as long as the later statement takes",
    scope="migration",
)
