"""Real streaming replicas whose replay is paused: the guard waits, backfills slow down."""

import threading
import time
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connections

import devstack
from migrations_policy.facts import Database
from migrations_policy.lag import ReplicaLag
from migrations_policy.lag import replica_count as count_replicas
from tests.migrations_policy.conftest import point
from tests.migrations_policy.workbench import ROWS_SQL, Shop, in_thread, migration

GIFT = 'migrations.AddField("order", "{}", models.BooleanField(null=True))'
FILL = 'BackfillInBatches("order", {"note": "x"}, batch_size=100, pause=0.2, max_lag=0.5)'
WITHIN = 60.0


@pytest.fixture(scope="module")
def cluster(django_db_blocker: Any) -> Iterator[devstack.PostgresCluster]:
    with devstack.postgres(replicas=2) as running, django_db_blocker.unblock():
        yield running


@pytest.fixture
def replicated(
    shop_files: Shop, cluster: devstack.PostgresCluster, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Shop]:
    """A shop with rows on the primary; the replicas have it all."""
    name = f"replicated_{shop_files.package}"
    cluster.primary.query(f"CREATE DATABASE {name}")
    before = connections["default"].settings_dict.copy()
    point("", cluster.primary.django_settings(name))
    shop_files.dsn = cluster.primary.dsn(name)
    shop_files.migrate("0001_initial")
    shop_files.query(ROWS_SQL.strip().rstrip(";"))
    cluster.wait_until_replayed()
    monkeypatch.chdir(shop_files.folder)
    (shop_files.folder / "pyproject.toml").write_text("[tool.migrations_policy]\nguarded = true\n")
    yield shop_files
    for replica in cluster.replicas:
        replica.resume_replay()
    connections["default"].close()
    connections["default"].settings_dict.update(before)


class Said(StringIO):
    """What a command has said so far, and how to wait for a part of it."""

    def until(self, text: str) -> None:
        end = time.monotonic() + WITHIN
        while text not in self.getvalue():
            assert time.monotonic() < end, f"never said {text!r}: {self.getvalue()}"
            time.sleep(0.02)


def applied(shop: Shop) -> set[str]:
    with shop.session() as session:
        found = session.execute("SELECT name FROM django_migrations WHERE app = 'shop'").fetchall()
    return {row[0] for row in found}


def test_the_guard_waits_while_a_replica_stands_still_and_goes_on_when_it_moves(
    replicated: Shop, cluster: devstack.PostgresCluster
) -> None:
    replicated.write("0002_gift", migration(GIFT.format("gift")))
    cluster.replicas[1].pause_replay()
    replicated.query("UPDATE shop_order SET note = 'written while paused'")
    said = Said()

    with replicated.in_use():
        thread, errors = in_thread(
            lambda: call_command("migrate_guarded", "shop", "--max-lag", "0.5", stdout=said)
        )
        said.until("behind (limit 0.5); waiting")
        assert "Applying" not in said.getvalue()
        assert applied(replicated) == {"0001_initial"}

        cluster.replicas[1].resume_replay()
        thread.join(WITHIN)

    assert errors == []
    assert "Applying shop.0002_gift" in said.getvalue()
    assert "0002_gift" in applied(replicated)


def test_the_guard_gives_up_after_its_patience_and_nothing_is_applied(
    replicated: Shop, cluster: devstack.PostgresCluster
) -> None:
    replicated.write("0002_gift", migration(GIFT.format("gift")))
    cluster.replicas[0].pause_replay()
    replicated.query("UPDATE shop_order SET note = 'written while paused'")

    options = ("--max-lag", "0.3", "--lag-patience", "1")
    with replicated.in_use(), pytest.raises(CommandError, match="run the command again when they"):
        call_command("migrate_guarded", "shop", *options, stdout=StringIO())

    assert applied(replicated) == {"0001_initial"}


def test_a_backfill_stops_between_batches_until_the_replicas_follow(
    replicated: Shop, cluster: devstack.PostgresCluster
) -> None:
    replicated.write("0002_fill", migration(FILL, atomic=False))
    filled = "SELECT count(*) FROM shop_order WHERE note = 'x'"
    paused = threading.Event()

    def pause(execute: Any, sql: Any, params: Any, many: bool, context: Any) -> Any:
        """Pause a replica after the third batch."""
        result = execute(sql, params, many, context)
        if str(sql).startswith('UPDATE "shop_order"') and not paused.is_set():
            pause.batches += 1  # type: ignore[attr-defined]
            if pause.batches == 3:  # type: ignore[attr-defined]
                cluster.replicas[0].pause_replay()
                paused.set()
        return result

    pause.batches = 0  # type: ignore[attr-defined]

    def fill() -> None:
        with connections["default"].execute_wrapper(pause):
            replicated.migrate("0002_fill")

    thread, errors = in_thread(fill)
    assert paused.wait(WITHIN)
    # It stops on its own: no more rows than before, for longer than any batch takes.
    end, stood = time.monotonic() + WITHIN, 0
    before = replicated.query(filled)
    while stood < 5:
        assert time.monotonic() < end, "the backfill went on while a replica stood still"
        time.sleep(0.3)
        now = replicated.query(filled)
        stood = stood + 1 if now == before else 0
        before = now
    assert before < 2000
    assert thread.is_alive()

    cluster.replicas[0].resume_replay()
    thread.join(WITHIN)

    assert errors == []
    assert replicated.query(filled) == 2000


def test_lag_is_what_stands_still_and_zero_when_all_is_applied(
    replicated: Shop, cluster: devstack.PostgresCluster
) -> None:
    clock = [0.0]
    lag = ReplicaLag(connections["default"], now=lambda: clock[0])
    assert count_replicas(connections["default"]) == 2
    cluster.wait_until_replayed()
    cluster.replicas[0].pause_replay()
    replicated.query("UPDATE shop_order SET note = 'more'")
    lag.seconds()

    clock[0] = 42.0
    assert lag.seconds() >= 42.0

    cluster.replicas[0].resume_replay()
    assert lag.settle(1e9, lambda _: time.sleep(0.02)) < 42.0


def test_a_role_that_may_not_look_is_told(
    replicated: Shop, cluster: devstack.PostgresCluster, tmp_path: Path
) -> None:
    replicated.query("CREATE ROLE plain LOGIN", keep=True)
    connection = connections["default"].copy("plain")
    connection.settings_dict["USER"] = "plain"
    try:
        lag = ReplicaLag(connection)
        assert lag.seconds() == 0.0
        assert lag.is_hidden
    finally:
        connection.close()
        replicated.query("DROP ROLE plain")


def test_facts_of_the_database_count_replicas(replicated: Shop) -> None:
    """Row 64 judges by them: a rewrite on a primary with replicas is throttled or reported."""
    rewrite = 'migrations.AlterField("order", "number", models.BigIntegerField())'
    replicated.write("0002_rewrite", migration(rewrite))
    from migrations_policy.database import read_database
    from migrations_policy.settings import Settings

    facts = read_database(connections["default"], Settings())
    assert facts.replicas == 2
    found = {v.rule for v in replicated.lint(Settings(small_table_rows=0), facts).violations}
    assert "unthrottled-rewrite" in found
    alone = {v.rule for v in replicated.lint(None, Database(replicas=0)).violations}
    assert "unthrottled-rewrite" not in alone
