"""Concurrent index builds on PostgreSQL 14.0 to 14.3, which may lose entries."""

from __future__ import annotations

from collections.abc import Iterator

from ..context import Context
from ..paste import Note
from ..rule import Example, NotShown, Rule
from ..violation import Severity, Violation

BROKEN = ("14.0", "14.1", "14.2", "14.3")


def check(context: Context) -> Iterator[Violation]:
    """Find CREATE INDEX and REINDEX CONCURRENTLY on the broken minor versions."""
    server = context.database.server_version
    if server not in BROKEN:
        return
    for statement in context.commands("create-index", "reindex"):
        if statement.concurrently:
            yield context.found(
                f"PostgreSQL {server} may leave rows out of the index {statement.name} while "
                "others write (fixed in 14.4)",
                recipe=(
                    Note(f"Update PostgreSQL {server} to 14.4 or later first."),
                    Note(f"Then rebuild: REINDEX INDEX CONCURRENTLY {statement.name}."),
                ),
                statement=statement,
            )


RULE = Rule(
    "concurrent-index-on-14-0",
    61,
    Severity.ERROR,
    "Builds an index concurrently on PostgreSQL 14.0 to 14.3",
    "The release notes of 14.4 say that such indexes can be corrupt: queries miss rows.",
    check,
    Example(
        'AddIndexConcurrently("order", models.Index(fields=["status"], name="order_status"))',
        NotShown(
            "These servers are long superseded, and the corruption is a race that seldom hits."
        ),
        message="PostgreSQL 14.2 may leave rows out of the index order_status",
        atomic=False,
        server="14.2",
    ),
    lock="SHARE UPDATE EXCLUSIVE",
    versions="14.0 to 14.3",
)
