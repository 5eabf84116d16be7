"""DROP DATABASE or DROP SCHEMA in a migration."""

from __future__ import annotations

from collections.abc import Iterator

from ..context import Context
from ..paste import Note, Paste, Recipe, run_sql
from ..rule import BreaksOldCode, Example, Rule
from ..violation import Severity, Violation


def check(context: Context) -> Iterator[Violation]:
    """Find DROP DATABASE and DROP SCHEMA."""
    for statement in context.operation.all_statements:
        if statement.kind not in {"drop-database", "drop-schema"}:
            continue
        what = statement.kind.removeprefix("drop-")
        yield context.found(
            f"dropping the {what} {statement.name} throws away everything in it",
            recipe=_recipe(what, statement.name or ""),
            statement=statement,
        )


def _recipe(what: str, name: str) -> Recipe:
    kind = what.upper()
    right = "CONNECT" if what == "database" else "USAGE"
    revoke = f"REVOKE {right} ON {kind} {name} FROM PUBLIC"
    grant = f"GRANT {right} ON {kind} {name} TO PUBLIC"
    return (
        Paste(run_sql(revoke, grant), "after", title="nobody can use it, nothing is lost"),
        Note(f"Wait, take a backup, and drop the {what} {name} by hand."),
    )


RULE = Rule(
    "drop-database-or-schema",
    42,
    Severity.ERROR,
    "Drops a database or schema",
    "No rollback brings it back, and every query of every release that uses it fails.",
    check,
    Example(
        'migrations.RunSQL("DROP SCHEMA stock CASCADE", migrations.RunSQL.noop)',
        BreaksOldCode("SELECT id FROM stock.item"),
        setup='migrations.RunSQL("CREATE SCHEMA stock; CREATE TABLE stock.item (id bigint)", '
        "migrations.RunSQL.noop)",
        message="dropping the schema stock throws away everything in it",
    ),
    lock="ACCESS EXCLUSIVE on everything in it",
)
