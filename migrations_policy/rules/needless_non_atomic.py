"""atomic = False where nothing needs it: a failure leaves the migration half applied."""

from __future__ import annotations

from collections.abc import Iterator

from ..context import Context
from ..paste import split
from ..rule import Example, Leaves, Rule
from ..sql.statement import Statement
from ..violation import Severity, Violation

NEEDS = {"create-index", "drop-index", "reindex", "alter-enum", "transaction"}


def check(context: Context) -> Iterator[Violation]:
    """Find non-atomic migrations without any operation that must run outside a transaction."""
    migration = context.migration
    if migration.atomic or not migration.operations:
        return
    for operation in migration.operations:
        if operation.is_data or operation.is_retry_safe or operation.error:
            return
        if any(_needs(statement) for statement in operation.all_statements):
            return
    validates = any(
        action.kind == "validate-constraint"
        for _, statement in migration.statements()
        for action in statement.actions
    )
    if validates:
        return
    yield context.found(
        "atomic = False, but everything here may run in a transaction: a failure would leave it "
        "half applied",
        recipe=split(migration.operations),
    )


def _needs(statement: Statement) -> bool:
    if statement.kind in {"update", "delete", "insert", "vacuum", "vacuum-full"}:
        return True
    if any(action.concurrently for action in statement.actions):
        return True
    return statement.kind in NEEDS and (statement.concurrently or statement.kind == "alter-enum")


RULE = Rule(
    "needless-non-atomic",
    60,
    Severity.WARNING,
    "Gives up the transaction without need",
    "In a transaction a failed migration leaves nothing behind, and can simply be run again.",
    check,
    Example(
        'migrations.AddField("order", "flag", models.IntegerField(null=True)),\n'
        'migrations.RunSQL("ALTER TABLE shop_order DROP CONSTRAINT nothing", '
        "migrations.RunSQL.noop)",
        Leaves(
            "SELECT count(*) FROM pg_attribute WHERE attrelid = 'shop_order'::regclass "
            "AND attname = 'flag'",
            1,
            0,
        ),
        message="atomic = False, but everything here may run in a transaction",
        atomic=False,
    ),
    lock="none of its own",
    scope="migration",
)
