"""SQL that cannot be read: nobody knows what it locks."""

from __future__ import annotations

from collections.abc import Iterator

from ..context import Context
from ..paste import Note, Recipe
from ..rule import Example, NotShown, Rule
from ..violation import Severity, Violation

OPAQUE = {"do", "unparsed", "execute", "call"}


def check(context: Context) -> Iterator[Violation]:
    """Find SQL the parser refuses, anonymous blocks, and operations that failed to write SQL."""
    operation = context.operation
    if operation.error:
        yield context.found(
            f"{operation.kind} could not be turned into SQL ({operation.error}), so nothing "
            "checked it",
            recipe=_recipe(),
        )
    for statement in operation.all_statements:
        if statement.kind in OPAQUE:
            reason = f": {statement.error}" if statement.error else ""
            yield context.found(
                f"this SQL cannot be checked{reason}: {statement.text[:60]}",
                recipe=_recipe(),
                statement=statement,
            )


def _recipe() -> Recipe:
    return (
        Note(
            "Write plain statements instead; or run lint_migrations --trace to see what it locks."
        ),
        Note("Or assert what you know: # policy: allow opaque-sql -- <what it does and locks>"),
    )


RULE = Rule(
    "opaque-sql",
    49,
    Severity.WARNING,
    "Runs SQL that cannot be read",
    "A block or function may take any lock; only running it tells.",
    check,
    Example(
        'migrations.RunSQL("DO $$ BEGIN PERFORM 1; END $$", migrations.RunSQL.noop)',
        NotShown(
            "What such SQL does cannot be known without running it, which is the point; "
            "the trace runs it and lists its locks."
        ),
        message="this SQL cannot be checked: DO $$ BEGIN PERFORM 1; END $$",
    ),
    lock="unknown",
)
