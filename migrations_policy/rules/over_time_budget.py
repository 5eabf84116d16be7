"""Work under locks that takes longer than the team allows."""

from __future__ import annotations

from collections.abc import Iterator

from ..context import Context
from ..paste import Note
from ..rule import Example, NotShown, Rule
from ..violation import Severity, Violation


def check(context: Context) -> Iterator[Violation]:
    """Find migrations whose blocking work is estimated above the budget."""
    budget = context.migration.time_budget
    budget = context.settings.time_budget if budget is None else budget
    total, slowest = 0.0, ("", 0.0)
    for _, statement in context.migration.statements():
        for lock in context.locks(statement):
            if lock.work == "catalog" or not lock.blocks_writes or context.is_small(lock.table):
                continue
            took = context.seconds(lock.table, lock.work)
            total += took
            slowest = max(slowest, (lock.table, took), key=lambda item: item[1])
    if total > budget:
        yield context.found(
            f"about {total:.0f} s of blocking work, {slowest[1]:.0f} s of it on {slowest[0]}; "
            f"the budget is {budget:g} s",
            recipe=(
                Note(
                    "Split it, use the safe operations, or raise it: policy_time_budget = seconds."
                ),
            ),
            table=slowest[0],
        )


RULE = Rule(
    "over-time-budget",
    67,
    Severity.WARNING,
    "Blocks longer than its time budget",
    "The estimate is the tables' size over ordinary speeds of disks; the trace measures instead.",
    check,
    Example(
        'migrations.AlterField("order", "number", models.BigIntegerField())',
        NotShown(
            "It is an estimate for the table as large as it is in production; "
            "the trace's scaled durations show it."
        ),
        message="the budget is 1 s",
        attributes="policy_time_budget = 1",
        keeps=("change-type",),
    ),
    lock="as the statements'",
    scope="migration",
)
