"""The storefront under load while its catalogue is altered: plain migrate, then the guarded."""

import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import psycopg
import pytest

import devstack
from tests.migrations_policy.workbench import HEAD

ROOT = Path(__file__).resolve().parents[2]
HOLD = 15.0
LOCK_TIMEOUT = 0.3
GIFT = f"""{HEAD}

class Migration(migrations.Migration):
    dependencies = [("catalogue", "LAST")]
    operations = [
        migrations.AddField("product", "FIELD", models.BooleanField(null=True)),
    ]
"""

pytestmark = [pytest.mark.full, pytest.mark.timeout(300)]


@pytest.fixture
def environment(tmp_path: Path) -> Iterator[dict[str, str]]:
    """A seeded storefront database, and a catalogue with two more migrations to run."""
    source = ROOT / "examples" / "storefront" / "catalogue" / "migrations"
    history = tmp_path / "catalogue_history"
    shutil.copytree(source, history, ignore=shutil.ignore_patterns("__pycache__"))
    last = max(path.stem for path in source.glob("0*.py"))
    for name, field in (("9001_plain", "gift"), ("9002_guarded", "wrap")):
        text = GIFT.replace("LAST", last).replace("FIELD", field)
        (history / f"{name}.py").write_text(text)
        last = name
    with devstack.postgres(replicas=0) as cluster:
        chosen = {
            **os.environ,
            "STOREFRONT_DATABASE_URL": cluster.primary.dsn("postgres"),
            "STOREFRONT_VAR": str(tmp_path / "var"),
            "STOREFRONT_TWOPASS": "off",
            "POLICY_MIGRATIONS": str(tmp_path),
            "DJANGO_SETTINGS_MODULE": "tests.migrations_policy.storefront_settings",
        }
        plain = {**chosen, "DJANGO_SETTINGS_MODULE": "examples.storefront.settings"}
        run(plain, "migrate", "--verbosity", "0")
        run(plain, "seed_shop")
        yield chosen


def run(environment: dict[str, str], *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "django", *arguments],
        env=environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@contextmanager
def served(environment: dict[str, str]) -> Iterator[str]:
    """The storefront behind gunicorn, eight threads; gives its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "gunicorn", "examples.storefront.wsgi:application"]
    options = ["--bind", f"127.0.0.1:{port}", "--threads", "8", "--timeout", "120"]
    settings = {**environment, "DJANGO_SETTINGS_MODULE": "examples.storefront.settings"}
    server = subprocess.Popen([*command, *options], env=settings, cwd=ROOT)
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(300):
            try:
                httpx.get(address, timeout=30)
                break
            except httpx.TransportError:
                time.sleep(0.1)
        yield address
    finally:
        server.terminate()
        server.wait(30)


class Load:
    """Visitors who open the shop's first page again and again."""

    def __init__(self, address: str, visitors: int = 4) -> None:
        self.address = address
        self.waits: list[float] = []
        self.failures = 0
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._visit) for _ in range(visitors)]

    def _visit(self) -> None:
        with httpx.Client(timeout=60, follow_redirects=True) as client:
            while not self._stop.is_set():
                started = time.monotonic()
                answer = client.get(self.address)
                self.waits.append(time.monotonic() - started)
                self.failures += answer.status_code != 200

    def __enter__(self) -> "Load":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(90)


WAITS = "SELECT true FROM pg_stat_activity WHERE wait_event_type = 'Lock' LIMIT 1"


@contextmanager
def report(environment: dict[str, str]) -> Iterator[None]:
    """A long report on the products; it ends HOLD seconds after the first one waits for it."""
    dsn = environment["STOREFRONT_DATABASE_URL"]
    session = psycopg.connect(dsn)
    session.execute("SELECT count(*) FROM catalogue_product")
    over = threading.Event()

    def end_later() -> None:
        with psycopg.connect(dsn, autocommit=True) as watcher:
            while not over.is_set() and not watcher.execute(WAITS).fetchone():
                time.sleep(0.05)
        over.wait(HOLD)
        session.rollback()

    thread = threading.Thread(target=end_later)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
        session.close()


def test_a_queued_alter_never_makes_visitors_wait_beyond_the_lock_timeout(
    environment: dict[str, str],
) -> None:
    with served(environment) as address:
        with report(environment), Load(address) as quiet:
            time.sleep(5)
        with report(environment), Load(address) as plain:
            run(environment, "migrate", "catalogue", "9001_plain")
        with report(environment), Load(address) as guarded:
            said = run(
                environment,
                "migrate_guarded",
                "catalogue",
                "9002_guarded",
                f"--lock-timeout={LOCK_TIMEOUT}",
                "--tries=50",
            )

    assert "gave up the lock wait" in said
    assert "migrations applied" in said
    assert plain.failures == guarded.failures == 0
    # Plain migrate queues for all of the report's time, and everybody behind it.
    assert max(plain.waits) > HOLD * 0.8
    # The guarded one lets go after the lock timeout. Bounds are wide: the machine may be busy.
    assert max(guarded.waits) < max(HOLD / 2, max(quiet.waits) + LOCK_TIMEOUT)
