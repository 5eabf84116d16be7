"""BEGIN or COMMIT in RunSQL: Django's own transaction ends without its knowing."""

from __future__ import annotations

from collections.abc import Iterator

from ..context import Context
from ..facts import Operation
from ..paste import Note, Paste, Recipe, run_sql
from ..rule import Example, Leaves, Rule
from ..violation import Severity, Violation


def check(context: Context) -> Iterator[Violation]:
    """Find transaction control in SQL written by hand."""
    for statement in context.operation.statements:
        if statement.kind != "transaction" or not context.operation.is_sql:
            continue
        yield context.found(
            f"{statement.text.upper()} takes the migration's transaction out of Django's hands: "
            "a failure leaves it half applied",
            recipe=_recipe(context.operation),
            statement=statement,
        )
        return


def _recipe(operation: Operation) -> Recipe:
    kept = [s for s in operation.statements if s.kind != "transaction"]
    return (
        Paste(",\n".join(run_sql(s.text) for s in kept), title="Django opens and ends it"),
        Note("Or set atomic = False and give each statement its own migration."),
    )


RULE = Rule(
    "transaction-control",
    43,
    Severity.ERROR,
    "Begins or ends transactions by hand",
    "What ran before the COMMIT stays, although Django believes that everything was rolled back.",
    check,
    Example(
        'migrations.RunSQL("ALTER TABLE shop_order ADD COLUMN flag int; COMMIT; '
        'ALTER TABLE shop_order ADD COLUMN status int", migrations.RunSQL.noop)',
        Leaves(
            "SELECT count(*) FROM pg_attribute WHERE attrelid = 'shop_order'::regclass "
            "AND attname = 'flag'",
            1,
            0,
        ),
        message="COMMIT takes the migration's transaction out of Django's hands",
    ),
    lock="as the statements'",
)
