"""A migration that was changed after it had been recorded as released or applied."""

from __future__ import annotations

from collections.abc import Iterator

from ..context import Context
from ..paste import Note
from ..rule import Example, Leaves, Rule
from ..violation import Severity, Violation


def check(context: Context) -> Iterator[Violation]:
    """Find migrations whose code differs from the recorded checksum."""
    recorded = dict(context.plan.recorded_checksums).get(context.migration.key)
    if recorded is None or recorded == context.migration.checksum:
        return
    yield context.found(
        "the migration was edited after its release: databases that ran it differ from new ones",
        recipe=(
            Note("Undo the edit, and write a new migration for what it should have done."),
            Note(
                "If it changes nothing in the database, record it anew: lint_migrations --record."
            ),
        ),
    )


RULE = Rule(
    "edited-migration",
    66,
    Severity.ERROR,
    "Edits a released migration",
    "Django runs a migration once and never looks at its contents again.",
    check,
    Example(
        'migrations.AddField("order", "gift", models.BooleanField(null=True))',
        Leaves("edited file", True, False),
        attributes="edited",
        message="the migration was edited after its release",
    ),
    lock="none",
    scope="migration",
)
