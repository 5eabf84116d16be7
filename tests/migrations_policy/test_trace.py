"""The trace: what it sees of locks, rewrites and scans, and its scaling to the real tables."""

from migrations_policy.tracing import trace_plan
from tests.migrations_policy.workbench import ROWS, Shop, migration, record


def test_moments_tell_locks_rewrites_and_scans(shop: Shop) -> None:
    name = shop.write(
        "0002_mixed",
        migration(
            'migrations.AddField("order", "gift", models.BooleanField(null=True)),\n'
            'migrations.AddConstraint("order", models.CheckConstraint('
            'condition=models.Q(number__gte=0), name="positive")),\n'
            'migrations.AlterField("order", "number", models.BigIntegerField())'
        ),
    )

    add, check, rewrite = record(shop, None, lambda: shop.migrate(name))

    assert add.modes("shop_order") >= {"ACCESS EXCLUSIVE"}
    assert (add.works, add.rewritten) == (frozenset(), frozenset())
    assert check.scanned == {("shop_order", ROWS)}
    assert rewrite.rewritten == {"shop_order"}


def test_locks_of_concurrent_builds_are_sampled(shop: Shop) -> None:
    step = 'AddIndexConcurrently("order", models.Index(fields=["status"], name="status_idx"))'
    name = shop.write("0002_index", migration(step, atomic=False))

    moments = record(shop, None, lambda: shop.migrate(name))

    build = moments[-1]
    assert (build.kind, build.in_transaction) == ("create-index", False)
    assert build.modes("shop_order") <= {"SHARE UPDATE EXCLUSIVE", "ACCESS SHARE", "SHARE"}


def test_trace_runs_forward_and_back_on_a_scratch_database(shop: Shop) -> None:
    name = shop.write(
        "0002_type", migration('migrations.AlterField("order", "number", models.BigIntegerField())')
    )
    shop.query("ANALYZE")
    shop.query("SELECT pg_stat_force_next_flush(); SELECT count(*) FROM shop_order")

    with shop.in_use():
        forward, back = trace_plan("default", [("shop", name)], rows=200)

    assert (forward.direction, back.direction) == ("forward", "back")
    (statement,) = forward.statements
    assert statement.rewritten == ("shop_order",)
    assert ("shop_order", "ACCESS EXCLUSIVE") in statement.locks
    assert statement.scaled_seconds >= statement.seconds > 0
    assert any("SELECT on shop_order" in line for line in statement.waits)
    assert forward.error == back.error == ""
    assert shop.query("SELECT count(*) FROM pg_database WHERE datname LIKE 'policy_scratch%'") == 0
    # The real database was only asked.
    kind = "SELECT atttypid::regtype::text FROM pg_attribute WHERE attname = 'number'"
    assert shop.query(f"{kind} AND attrelid = 'shop_order'::regclass") == "integer"


def test_a_migration_that_fails_is_reported_with_its_error(shop: Shop) -> None:
    name = shop.write(
        "0002_bad", migration('migrations.RunSQL("SELECT 1/0; ALTER TABLE x ADD y int")')
    )

    with shop.in_use():
        (forward,) = trace_plan("default", [("shop", name)])

    assert "division by zero" in forward.error
