"""A migration file that was applied or released, and is gone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from ..context import Context
from ..facts import Source
from ..paste import Note
from ..rule import Example, Leaves, Rule
from ..violation import Severity, Violation


def check(context: Context) -> Iterator[Violation]:
    """Find migrations the database or the release knows, and the files do not."""
    for app, name, where in context.plan.missing:
        found = context.found(
            f"{app}.{name} is {where}, but its file is gone: new databases will not get it",
            recipe=(
                Note(f"Bring the file back (git checkout <ref> -- …/{app}/migrations/{name}.py)."),
                Note("To shorten a history, squash it: manage.py squashmigrations."),
            ),
            source=Source(f"{app}/migrations/{name}.py"),
        )
        yield replace(found, app_label=app, migration=name)


RULE = Rule(
    "deleted-migration",
    59,
    Severity.ERROR,
    "Deletes a migration",
    "Old databases have what it did, new ones do not: the two drift apart without a word.",
    check,
    Example(
        'migrations.AddField("order", "gift", models.BooleanField(null=True))',
        Leaves("missing file", True, False),
        attributes="deleted",
        message="its file is gone",
    ),
    lock="none",
    scope="plan",
)
