"""migrate_guarded on real PostgreSQL, with visitors, long transactions and broken builds."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO
from pathlib import Path

import psycopg
import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from migrations_policy.guard import run as guard_module
from migrations_policy.guard.retry import Backoff
from migrations_policy.lag import ReplicaLag
from tests.migrations_policy.workbench import Shop, in_thread, migration

GIFT = 'migrations.AddField("order", "gift", models.BooleanField(null=True))'
CALLS: list[tuple[str | None, list[str], list[str]]] = []


def hook(phase: str | None, *, migrations: list[str], tables: list[str]) -> None:
    CALLS.append((phase, migrations, tables))


@pytest.fixture(autouse=True)
def in_folder(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.chdir(shop.folder)
    (shop.folder / "pyproject.toml").write_text("[tool.migrations_policy]\nguarded = true\n")
    CALLS.clear()
    with shop.in_use():
        yield


def guarded(shop: Shop, *arguments: str) -> str:
    out = StringIO()
    with shop.in_use():
        call_command("migrate_guarded", "shop", *arguments, stdout=out)
    return out.getvalue()


@contextmanager
def long_transaction(shop: Shop, seconds: float | None = None) -> Iterator[None]:
    """A report that reads orders and does not end; or ends by itself after some seconds."""
    report = shop.session()
    report.autocommit = False
    report.execute("SELECT 1 FROM shop_order LIMIT 1")
    timer = threading.Timer(seconds or 3600, report.rollback)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join(5)
        if not report.closed:
            report.rollback()
            report.close()


class Visits:
    """A visitor who reads orders again and again; remembers the longest wait."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        self.longest = 0.0
        self.count = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._visit, daemon=True)

    def _visit(self) -> None:
        with self.shop.session() as session:
            while not self._stop.is_set():
                started = time.monotonic()
                session.execute("SELECT number FROM shop_order WHERE id = 1")
                self.longest = max(self.longest, time.monotonic() - started)
                self.count += 1
                time.sleep(0.002)  # leaves the machine to the others

    def __enter__(self) -> "Visits":
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._stop.set()
        self._thread.join(60)


def test_visitors_wait_no_longer_than_the_lock_timeout_and_plain_migrate_makes_them(
    shop: Shop,
) -> None:
    """Both in one run: a report holds the table for 4 s while a migration wants to alter it."""
    shop.write("0002_gift", migration(GIFT))
    hold = 4.0

    with long_transaction(shop, hold), Visits(shop) as plain:
        thread, errors = in_thread(lambda: call_command("migrate", "shop", "0002", verbosity=0))
        thread.join(60)
    assert errors == []
    shop.migrate("0001_initial")
    shop.connection.close()

    with long_transaction(shop, hold), Visits(shop) as careful:
        thread, errors = in_thread(
            lambda: guarded(shop, "0002", "--lock-timeout", "0.2", "--tries", "30")
        )
        thread.join(60)
    assert errors == []

    assert shop.query("SELECT count(gift) FROM shop_order") == 0
    assert plain.longest > hold / 2
    assert careful.longest < hold / 2
    assert careful.count > plain.count


def test_it_says_who_holds_the_lock_gives_up_and_goes_on_when_run_again(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.write("0002_gift", migration(GIFT))
    monkeypatch.setattr(guard_module.time, "sleep", lambda seconds: None)

    with long_transaction(shop):
        out = StringIO()
        with pytest.raises(CommandError, match=r"the lock was not got in 2 tries"):
            call_command(
                "migrate_guarded", "shop", "--lock-timeout", "0.5", "--tries", "2", stdout=out
            )
        assert "waits for pid" in out.getvalue()
        assert "SELECT 1 FROM shop_order" in out.getvalue()
        assert "gave up the lock wait; next try in" in out.getvalue()

    assert "Applying shop.0002_gift" in guarded(shop)
    assert guarded(shop) == "Nothing to migrate.\n"


def test_nothing_is_killed(shop: Shop) -> None:
    shop.write("0002_gift", migration(GIFT))

    with long_transaction(shop):
        with pytest.raises(CommandError):
            guarded(shop, "--lock-timeout", "0.1", "--tries", "1")
        still = "SELECT count(*) FROM pg_stat_activity WHERE state = 'idle in transaction'"
        assert shop.query(f"{still} AND datname = current_database()") == 1


def test_what_the_linter_forbids_is_refused_unless_overridden(
    shop: Shop, caplog: pytest.LogCaptureFixture
) -> None:
    shop.write("0002_drop", migration('migrations.RemoveField("order", "note")'))

    with pytest.raises(CommandError, match="1 violations forbid this migration"):
        guarded(shop)
    assert shop.query("SELECT count(note) FROM shop_order") == 0

    guarded(shop, "--allow", "drop-column")
    assert "overridden: drop-column is allowed for this run" in caplog.text
    with pytest.raises(psycopg.errors.UndefinedColumn):
        shop.query("SELECT note FROM shop_order")


def test_phases_run_apart_and_mixed_ones_are_refused(shop: Shop) -> None:
    shop.write("0002_gift", migration(GIFT))
    shop.write("0003_state", migration('RemoveFieldSafely("order", "note")'))
    shop.write("0004_drop", migration('DropColumnSafely("shop_order", "note", "text")'))

    text = guarded(shop, "--phase", "before")
    assert "Applying shop.0002_gift" in text
    assert "Left for later (after): shop.0004_drop" in text
    assert shop.query("SELECT count(note) FROM shop_order") == 0

    assert "Applying shop.0004_drop" in guarded(shop, "--phase", "after")

    both = f'{GIFT.replace("gift", "wrap")},\nDropColumnSafely("shop_order", "total", "numeric")'
    shop.write("0005_state", migration('RemoveFieldSafely("order", "total")'))
    shop.write("0006_both", migration(both))
    with pytest.raises(CommandError, match="mixes steps for before and after"):
        guarded(shop, "--phase", "before")


def test_a_broken_concurrent_build_is_repaired(shop: Shop) -> None:
    build = (
        'migrations.RunSQL("CREATE INDEX CONCURRENTLY status_idx ON shop_order (status)", '
        '"DROP INDEX status_idx")'
    )
    shop.write("0002_index", migration(build, atomic=False))
    shop.query(
        "CREATE INDEX status_idx ON shop_order (status); "
        "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'status_idx'::regclass"
    )

    text = guarded(shop, "--allow", "unrepaired-index")

    assert "dropped status_idx, left invalid by a broken build" in text
    assert shop.query("SELECT indisvalid FROM pg_index WHERE indexrelid = 'status_idx'::regclass")


def test_statement_timeout_ends_long_work_but_not_concurrent_builds(shop: Shop) -> None:
    sleepy = migration('migrations.RunSQL("DO $$ BEGIN PERFORM pg_sleep(30); END $$", "")')
    name = shop.write("0002_sleep", sleepy)
    with pytest.raises(Exception, match="statement timeout"):
        guarded(shop, "--statement-timeout", "0.2")
    shop.remove(name)

    index = 'AddIndexConcurrently("order", models.Index(fields=["status"], name="status_idx"))'
    shop.write("0002_index", migration(index, atomic=False))
    with long_transaction(shop, 1.5):
        guarded(shop, "--lock-timeout", "0.2", "--statement-timeout", "0.2")
    assert shop.query("SELECT indisvalid FROM pg_index WHERE indexrelid = 'status_idx'::regclass")


def test_the_progress_of_an_index_build_is_told(shop: Shop) -> None:
    index = 'AddIndexConcurrently("order", models.Index(fields=["status"], name="status_idx"))'
    shop.write("0002_index", migration(index, atomic=False))
    with shop.session() as writer:
        writer.autocommit = False
        writer.execute("UPDATE shop_order SET number = 1 WHERE id = 1")
        out = StringIO()
        thread, errors = in_thread(lambda: call_command("migrate_guarded", "shop", stdout=out))
        end = time.monotonic() + 60
        while "index on shop_order: waiting for writers" not in out.getvalue():
            assert time.monotonic() < end, out.getvalue()
            time.sleep(0.05)
        assert "transactions left: 1" in out.getvalue()
        writer.rollback()
        thread.join(60)

    assert errors == []
    assert shop.query("SELECT indisvalid FROM pg_index WHERE indexrelid = 'status_idx'::regclass")


def test_limits_are_taken_back(shop: Shop) -> None:
    shop.write("0002_gift", migration(GIFT))
    guarded(shop)

    with shop.connection.cursor() as cursor:
        cursor.execute("SHOW lock_timeout")
        assert cursor.fetchone()[0] == "0"


def test_it_waits_for_replicas_and_says_so(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.write("0002_gift", migration(GIFT))
    lags = iter([30.0, 12.0, 0.0])
    monkeypatch.setattr(ReplicaLag, "seconds", lambda replicas: next(lags, 0.0))
    monkeypatch.setattr(guard_module.time, "sleep", lambda seconds: None)

    text = guarded(shop)

    assert "replicas are 30.0 s behind (limit 5); waiting" in text
    assert "Applying shop.0002_gift" in text

    shop.write("0003_wrap", migration(GIFT.replace("gift", "wrap")))
    monkeypatch.setattr(ReplicaLag, "seconds", lambda replicas: 60.0)
    with pytest.raises(CommandError, match=r"still 60.0 s behind"):
        guarded(shop, "--lag-patience", "2")


def test_hooks_hear_of_phase_migrations_and_tables(shop: Shop) -> None:
    (shop.folder / "pyproject.toml").write_text(
        f'[tool.migrations_policy]\nguarded = true\nhooks = ["{__name__}.hook"]\n'
    )
    shop.write("0002_gift", migration(GIFT))

    guarded(shop, "--phase", "before")

    assert CALLS == [("before", ["shop.0002_gift"], ["shop_order"])]


def test_two_guards_never_run_at_once(shop: Shop) -> None:
    shop.write("0002_gift", migration(GIFT))
    with shop.session() as other:
        other.execute("SELECT pg_advisory_lock(%s)", [guard_module.ADVISORY_KEY])
        with pytest.raises(CommandError, match="another migrate_guarded is running"):
            guarded(shop)
    assert "Applying" in guarded(shop)


def test_backoff_grows_to_its_cap_with_jitter() -> None:
    backoff = Backoff(attempts=5, base=1, cap=4)

    assert [backoff.delay(n, 0.0) for n in (1, 2, 3, 4)] == [0.5, 1.0, 2.0, 2.0]
    assert backoff.delay(1, 0.999) < 1.0
    assert backoff.is_last(5)
    assert not backoff.is_last(4)


def test_unknown_names_are_clear_errors(shop: Shop, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="no migration of shop starts with '0099'"):
        guarded(shop, "0099")
