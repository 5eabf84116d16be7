"""The trace: what it sees of locks, rewrites and scans, and its scaling to the real tables."""

from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connections

import devstack
from migrations_policy.tracing import trace_plan
from tests.migrations_policy.conftest import point
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


def test_the_command_shows_the_trace(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(shop.folder)
    (shop.folder / "pyproject.toml").write_text("[tool.migrations_policy]\n")
    gift = 'migrations.AddField("order", "gift", models.BooleanField(null=True))'
    shop.write("0002_gift", migration(gift))
    out = StringIO()

    with shop.in_use():
        call_command("lint_migrations", "shop", "--trace", "--trace-rows", "50", stdout=out)

    assert "shop.0002_gift" in out.getvalue()
    assert "ACCESS EXCLUSIVE" in out.getvalue()
    assert "shop_order" in out.getvalue()


@pytest.mark.full
def test_the_queries_that_would_wait_are_the_shops_own(
    shop_files: Shop, django_db_blocker: Any
) -> None:
    settings = {"shared_preload_libraries": "pg_stat_statements"}
    before = connections["default"].settings_dict.copy()
    with devstack.postgres(replicas=0, settings=settings) as cluster, django_db_blocker.unblock():
        cluster.primary.query("CREATE DATABASE watched")
        point("", cluster.primary.django_settings("watched"))
        shop_files.dsn = cluster.primary.dsn("watched")
        shop_files.migrate("0001_initial")
        shop_files.query("CREATE EXTENSION pg_stat_statements")
        for _ in range(3):
            shop_files.query("SELECT number FROM shop_order WHERE status = 'new'")
        shop_files.query("SELECT name FROM shop_customer")
        rewrite = 'migrations.AlterField("order", "number", models.BigIntegerField())'
        name = shop_files.write("0002_type", migration(rewrite))
        with shop_files.in_use():
            forward, _ = trace_plan("default", [("shop", name)], rows=50)
        connections["default"].close()
    connections["default"].settings_dict.update(before)

    waits = forward.statements[0].waits
    assert "SELECT number FROM shop_order WHERE status = $1 (3 calls)" in waits
    assert not any("FROM shop_customer" in line for line in waits)
