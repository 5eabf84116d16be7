"""A constraint added to a domain: every table that uses it is read and locked."""

from __future__ import annotations

import re
from collections.abc import Iterator

from .. import history
from ..context import Context
from ..paste import Note, Paste, Recipe, run_sql
from ..rule import Blocks, Example, Rule
from ..sql.statement import Statement
from ..violation import Severity, Violation


def check(context: Context) -> Iterator[Violation]:
    """Find constraints added to domains, and new domains with one."""
    for statement in context.operation.all_statements:
        if statement.kind == "create-domain" and statement.constraints:
            yield context.found(
                f"changing the check of the domain {statement.name} will lock every table with it",
                recipe=(Note("Use the plain type, and a CHECK on each table."),),
                statement=statement,
                severity=Severity.INFO,
            )
        if statement.kind == "alter-domain":
            yield from _added(context, statement)


def _added(context: Context, statement: Statement) -> Iterator[Violation]:
    users = [
        (table, column.name)
        for table, column in history.columns(context.plan, context.migration)
        if column.type.name == statement.name
    ] or [("your_table", "your_column")]
    for constraint in statement.constraints:
        if constraint.not_valid:
            continue
        tables = ", ".join(table for table, _ in users)
        yield context.found(
            f"the domain {statement.name} gets a check, for which every row of {tables} is read",
            why=context.effect(users[0][0], "SHARE", "scan"),
            recipe=_recipe(users, constraint.expression, constraint.name or "value"),
            table=users[0][0],
            statement=statement,
        )


def _recipe(users: list[tuple[str, str]], expression: str, name: str) -> Recipe:
    steps: list[Paste] = []
    for table, column in users:
        own = f"{table}_{column}_{name}"
        condition = re.sub(r"\bvalue\b", column, expression, flags=re.I)
        add = f"ALTER TABLE {table} ADD CONSTRAINT {own} CHECK ({condition}) NOT VALID"
        drop = f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {own}"
        validate = run_sql(f"ALTER TABLE {table} VALIDATE CONSTRAINT {own}")
        steps += [Paste(run_sql(add, drop)), Paste(validate, title="then the old rows")]
    return tuple(steps)


RULE = Rule(
    "constrained-domain",
    55,
    Severity.ERROR,
    "Adds a constraint to a domain",
    "All columns of the domain are read while their tables accept no writes; unlike with table "
    "constraints, validating later takes the same lock.",
    check,
    Example(
        'migrations.RunSQL("ALTER DOMAIN amount ADD CONSTRAINT positive CHECK (VALUE >= 0)", '
        '"ALTER DOMAIN amount DROP CONSTRAINT positive")',
        Blocks(reads=False),
        setup='migrations.RunSQL("CREATE DOMAIN amount AS integer; ALTER TABLE shop_order '
        'ADD COLUMN paid amount; UPDATE shop_order SET paid = 1", migrations.RunSQL.noop)',
        message="the domain amount gets a check, for which every row of shop_order is read",
    ),
    lock="SHARE on every table with the domain, scan",
)
