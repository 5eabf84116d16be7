"""Any blocking change to a table that everything uses."""

from __future__ import annotations

from collections.abc import Iterator

from ..context import Context
from ..facts import Operation
from ..paste import Note, Paste, Recipe, field_of
from ..rule import Example, Queues, Rule
from ..violation import Severity, Violation


def check(context: Context) -> Iterator[Violation]:
    """Find statements that stop reads or writes of a hot table."""
    seen: set[str] = set()
    for statement in context.operation.all_statements:
        for lock in context.locks(statement):
            is_parent = statement.table != lock.table  # foreign-key-to-hot-table reports these
            if is_parent or not (lock.blocks_reads or lock.blocks_writes) or lock.table in seen:
                continue
            if context.is_hot(lock.table):
                seen.add(lock.table)
                yield context.found(
                    f"{lock.table} is hot: even a short lock on it is felt by visitors",
                    why=context.effect(lock.table, lock.mode, lock.work),
                    recipe=_recipe(context.operation, lock.table),
                    table=lock.table,
                    statement=statement,
                )


def _recipe(operation: Operation, table: str) -> Recipe:
    acknowledge = Note(
        "Run it by migrate_guarded, and acknowledge it beside the operation: "
        "# policy: allow alter-hot-table -- <why a short wait is fine>"
    )
    if operation.kind != "AddField" or operation.model is None or operation.field is None:
        return (acknowledge,)
    model, field = operation.model, field_of(operation)
    side = f"{model.name}{(operation.field_name or '').title().replace('_', '')}"
    key = (
        f'models.OneToOneField("{model.app_label}.{model.name.lower()}", models.CASCADE, '
        f"primary_key=True, db_constraint=False)"
    )
    create = (
        f'migrations.CreateModel("{side}", [\n    ("{model.name.lower()}", {key}),\n'
        f'    ("{operation.field_name}", {field}),\n])'
    )
    return Paste(create, title=f"a table beside {table}, which is not touched"), acknowledge


RULE = Rule(
    "alter-hot-table",
    36,
    Severity.WARNING,
    "Changes a hot table",
    "A hot table always has transactions in flight: the change queues behind them, and all "
    "queries queue behind the change.",
    check,
    Example(
        'migrations.AddField("order", "gift", models.BooleanField(null=True))',
        Queues(),
        message="shop_order is hot: even a short lock on it is felt by visitors",
        hot=("shop_order",),
    ),
    lock="the statement's, felt more",
)
