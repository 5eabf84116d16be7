"""Without a transaction and without IF [NOT] EXISTS: a broken migration cannot be run again."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ..context import Context
from ..facts import Migration
from ..paste import Paste, Recipe, run_sql, sources
from ..rule import Example, Fails, Rule
from ..violation import Severity, Violation

CREATES = ("CREATE TABLE", "CREATE SCHEMA", "CREATE SEQUENCE", "ADD COLUMN")
DROPS = ("DROP TABLE", "DROP INDEX", "DROP COLUMN", "DROP CONSTRAINT", "DROP SCHEMA")


def check(context: Context) -> Iterator[Violation]:
    """Find statements of non-atomic migrations that fail when they are run twice."""
    operation = context.operation
    if context.migration.atomic or not operation.is_sql:
        return
    for statement in operation.statements:
        better = repeatable(statement.text)
        if better != statement.text:
            yield context.found(
                "after a failure further on, running the migration again stops at "
                f"{statement.text[:60]!r}",
                recipe=_recipe(context.migration),
                statement=statement,
            )


def repeatable(text: str) -> str:
    """Return the statement with IF [NOT] EXISTS where PostgreSQL has it."""
    for words in CREATES:
        text = re.sub(rf"\b{words}\b(?! IF\b)", f"{words} IF NOT EXISTS", text, flags=re.I)
    for words in DROPS:
        pattern = rf"\b{words}\b(?! IF\b)(?! CONCURRENTLY)"
        text = re.sub(pattern, f"{words} IF EXISTS", text, flags=re.I)
    return re.sub(
        r"\bDROP INDEX CONCURRENTLY\b(?! IF\b)", "DROP INDEX CONCURRENTLY IF EXISTS", text
    )


def _recipe(migration: Migration) -> Recipe:
    steps = []
    for operation in migration.operations:
        if operation.is_sql:
            steps += [run_sql(repeatable(s.text)) for s in operation.statements]
        else:
            steps.append(sources(operation))
    return (Paste(",\n".join(steps), atomic=False),)


RULE = Rule(
    "unrepeatable-statement",
    52,
    Severity.WARNING,
    "Cannot be run again after it broke",
    "Without a transaction the statements before the failing one stay. The second run meets them.",
    check,
    Example(
        'migrations.RunSQL("ALTER TABLE shop_order ADD COLUMN flag int", migrations.RunSQL.noop)',
        Fails("already exists", on_retry=True),
        message="running the migration again stops at",
        atomic=False,
        keeps=("needless-non-atomic",),
    ),
    lock="none of its own",
)
