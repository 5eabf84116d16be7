"""Row-level security switched on without a policy: everybody but the owner sees nothing."""

from __future__ import annotations

from collections.abc import Iterator

from ..context import Context
from ..paste import Paste, Recipe, run_sql, set_local
from ..rule import Example, Leaves, Rule
from ..sql.statement import Statement
from ..violation import Severity, Violation


def check(context: Context) -> Iterator[Violation]:
    """Find ENABLE ROW LEVEL SECURITY on tables without a policy in the same migration."""
    has_policy = any(s.kind == "create-policy" for _, s in context.migration.statements())
    for statement, _ in context.alterations("enable-row-security"):
        if has_policy:
            continue
        yield context.found(
            f"with row-level security and no policy, {statement.table} looks empty to everybody "
            "but its owner",
            why=context.effect(statement.table, "ACCESS EXCLUSIVE"),
            recipe=_recipe(statement),
            statement=statement,
        )


def _recipe(statement: Statement) -> Recipe:
    table = statement.table
    policy = f"CREATE POLICY {table}_all ON {table} USING (true) WITH CHECK (true)"
    enable = run_sql(statement.text, f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY")
    steps = [
        set_local("lock_timeout", "2s"),
        run_sql(policy, f"DROP POLICY {table}_all ON {table}"),
        enable,
    ]
    return (Paste(",\n".join(steps), title="a policy that allows all first; narrow it afterwards"),)


RULE = Rule(
    "row-security-without-policy",
    63,
    Severity.ERROR,
    "Enables row-level security without a policy",
    "The default is to deny: no error, only empty results.",
    check,
    Example(
        'migrations.RunSQL("ALTER TABLE shop_order ENABLE ROW LEVEL SECURITY", '
        '"ALTER TABLE shop_order DISABLE ROW LEVEL SECURITY")',
        Leaves("SET ROLE shop_reader; SELECT count(*) > 0 FROM shop_order", False, True),
        message="with row-level security and no policy, shop_order looks empty",
    ),
    lock="ACCESS EXCLUSIVE, catalog only",
)
