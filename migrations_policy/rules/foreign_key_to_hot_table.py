"""A new table with a foreign key to a busy one: the busy one's writes wait."""

from __future__ import annotations

from collections.abc import Iterator

from ..context import Context
from ..facts import Operation
from ..paste import Note, Paste, Recipe, sources
from ..rule import Blocks, Example, Rule
from ..sql.statement import Statement
from ..violation import Severity, Violation


def check(context: Context) -> Iterator[Violation]:
    """Find constraints that reference a hot table, even from new tables."""
    own = context.migration.created_tables()
    for statement in context.operation.all_statements:
        for parent in _parents(statement):
            if parent in own or parent == statement.table or not context.is_hot(parent):
                continue
            yield context.found(
                f"the foreign key from {statement.table} takes a lock on the hot table {parent}",
                why=context.effect(parent, "SHARE ROW EXCLUSIVE"),
                recipe=_recipe(context.operation, parent),
                table=parent,
                statement=statement,
            )


def _parents(statement: Statement) -> Iterator[str]:
    declared = list(statement.constraints)
    for action in statement.actions:
        declared += [action.constraint] if action.constraint else []
        declared += list(action.column.constraints) if action.column else []
    for column in statement.definitions:
        declared += list(column.constraints)
    for constraint in declared:
        if constraint.kind == "foreign-key" and constraint.references and not constraint.not_valid:
            yield constraint.references


def _recipe(operation: Operation, parent: str) -> Recipe:
    text = sources(operation)
    for action in ("CASCADE", "PROTECT", "SET_NULL", "DO_NOTHING", "RESTRICT"):
        text = text.replace(f"models.{action}", f"models.{action}, db_constraint=False")
    return (
        Paste(text, title="without the constraint; Django still follows the relation"),
        Note(
            "Or take the lock at a quiet hour by migrate_guarded, which gives up before "
            f"{parent} waits."
        ),
    )


RULE = Rule(
    "foreign-key-to-hot-table",
    21,
    Severity.ERROR,
    "References a hot table",
    "Even from an empty table the constraint takes SHARE ROW EXCLUSIVE on the parent, and queues "
    "behind its longest transaction with all writers behind it.",
    check,
    Example(
        'migrations.CreateModel("Review", [("id", models.BigAutoField(primary_key=True)), '
        '("order", models.ForeignKey("shop.order", models.CASCADE))])',
        Blocks(reads=False, long=False),
        message="the foreign key from shop_review takes a lock on the hot table shop_order",
        hot=("shop_order",),
    ),
    lock="SHARE ROW EXCLUSIVE on the parent",
)
