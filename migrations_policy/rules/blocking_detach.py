"""DETACH PARTITION without CONCURRENTLY: the whole partitioned table is locked."""

from __future__ import annotations

from collections.abc import Iterator

from ..context import Context
from ..paste import Paste, Recipe, run_sql
from ..rule import Example, Queues, Rule
from ..sql.statement import Action, Statement
from ..violation import Severity, Violation


def check(context: Context) -> Iterator[Violation]:
    """Find DETACH PARTITION that blocks."""
    for statement, action in context.alterations("detach-partition"):
        if action.concurrently:
            continue
        yield context.found(
            f"detaching {action.name} takes the strongest lock on all of {statement.table}",
            why=context.effect(statement.table, "ACCESS EXCLUSIVE"),
            recipe=_recipe(statement, action),
            statement=statement,
        )


def _recipe(statement: Statement, action: Action) -> Recipe:
    table, part = statement.table, action.name
    return (
        Paste(
            run_sql(f"ALTER TABLE {table} DETACH PARTITION {part} CONCURRENTLY"),
            atomic=False,
            title="alone in its migration; if it breaks off, run DETACH … FINALIZE",
        ),
    )


RULE = Rule(
    "blocking-detach",
    39,
    Severity.ERROR,
    "Detaches a partition under the strongest lock",
    "The parent is locked too, so queries of all partitions queue behind the longest of them.",
    check,
    Example(
        'migrations.RunSQL("ALTER TABLE shop_visit DETACH PARTITION shop_visit_old", '
        "migrations.RunSQL.noop)",
        Queues("shop_visit"),
        setup='migrations.RunSQL("CREATE TABLE shop_visit (id bigint, day date) '
        "PARTITION BY RANGE (day); CREATE TABLE shop_visit_old PARTITION OF shop_visit "
        "FOR VALUES FROM ('2020-01-01') TO ('2021-01-01')\", migrations.RunSQL.noop)",
        message="detaching shop_visit_old takes the strongest lock on all of shop_visit",
    ),
    lock="ACCESS EXCLUSIVE on parent and partition",
    versions="14 and later (CONCURRENTLY)",
)
