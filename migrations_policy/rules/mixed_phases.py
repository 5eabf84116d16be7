"""One migration with parts for before and for after the deploy: no moment is right for it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from ..context import Context
from ..facts import Migration, Operation
from ..paste import DEPLOY, Note, Paste, Recipe, sources
from ..phases import infer, operation_phase
from ..rule import BreaksOldCode, Example, Rule
from ..violation import Severity, Violation


def check(context: Context) -> Iterator[Violation]:
    """Find migrations whose operations need both phases, or another than declared."""
    migration = context.migration
    live = tuple(op for op in migration.operations if _touches_used(context, op))
    needed = infer(replace(migration, operations=live))
    declared = migration.declared_phase
    if declared is not None and declared not in ("before", "after", "anytime"):
        message = f"policy_phase is {declared!r}; use before, after or anytime"
        yield context.found(message)
    elif len(needed) > 1 and declared is None:
        yield context.found(
            "some operations belong before the deploy and some after it; there is no moment "
            "for both",
            recipe=_recipe(migration),
        )
    elif declared == "before" and "after" in needed:
        yield context.found(
            "declared to run before the deploy, but it takes away what the old release uses",
            recipe=_recipe(migration),
        )


def _touches_used(context: Context, operation: Operation) -> bool:
    tables = {s.table for s in operation.all_statements if s.table}
    return not tables or any(not context.is_new(table) for table in tables)


def _recipe(migration: Migration) -> Recipe:
    before = tuple(op for op in migration.operations if operation_phase(op) != "after")
    after = tuple(op for op in migration.operations if operation_phase(op) == "after")
    return (
        Paste(sources(*before), "before") if before else Note("Nothing is left for before."),
        DEPLOY,
        Paste(sources(*after), "after"),
    )


RULE = Rule(
    "mixed-phases",
    58,
    Severity.ERROR,
    "Mixes steps for before and after the deploy",
    "Run before the deploy it breaks the old release, run after it the new one.",
    check,
    Example(
        'migrations.AddField("order", "gift", models.BooleanField(null=True)),\n'
        'DropColumnSafely("shop_order", "note", "text")',
        BreaksOldCode("SELECT note FROM shop_order", "SELECT gift FROM shop_order"),
        setup='RemoveFieldSafely("order", "note")',
        message="some operations belong before the deploy and some after it",
    ),
    lock="as its operations'",
    scope="migration",
)
