"""A shop whose migrations a test writes, lints, and runs on real PostgreSQL under observation."""

from __future__ import annotations

import importlib
import itertools
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
from django.conf import settings
from django.db import connections
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader

from migrations_policy.facts import Database
from migrations_policy.linter import Result, lint
from migrations_policy.plan import Scope, load_plan
from migrations_policy.recipe import Paste, Recipe
from migrations_policy.rule import Example
from migrations_policy.settings import Settings
from migrations_policy.trace import Moment, Recorder

NUMBERS = itertools.count(1)
ROWS = 2000
BATCH = 1000

HEAD = """\
import uuid

from django.contrib.postgres.functions import RandomUUID
from django.contrib.postgres.operations import RemoveIndexConcurrently
from django.db import migrations, models

from migrations_policy.operations import *
"""

INITIAL = """\
migrations.CreateModel("Customer", [
    ("id", models.BigAutoField(primary_key=True)),
    ("name", models.CharField(max_length=50)),
    ("email", models.TextField(null=True)),
]),
migrations.CreateModel("Order", [
    ("id", models.BigAutoField(primary_key=True)),
    ("number", models.IntegerField()),
    ("status", models.CharField(max_length=20, default="new")),
    ("note", models.TextField(null=True)),
    ("total", models.DecimalField(max_digits=10, decimal_places=2)),
    ("customer", models.ForeignKey("shop.customer", models.CASCADE, null=True)),
]),
"""

ROWS_SQL = f"""
INSERT INTO shop_customer (name, email) SELECT 'c' || n, 'c' || n FROM generate_series(1, 50) n;
INSERT INTO shop_order (number, status, note, total, customer_id)
SELECT n, 'new', NULL, n, 1 + n % 50 FROM generate_series(1, {ROWS}) n;
ANALYZE;
"""


def migration(operations: str, *, atomic: bool = True, preamble: str = "", extra: str = "") -> str:
    """Return a migration's source; `operations` is the inside of the list."""
    body = "\n".join("        " + line for line in operations.strip().rstrip(",").splitlines())
    return (
        f"{HEAD}\n{preamble}\n\nclass Migration(migrations.Migration):\n"
        f"    atomic = {atomic}\n    {extra or 'pass'}\n    operations = [\n{body},\n    ]\n"
    )


@dataclass
class Shop:
    """The migrations of one test, and the database it may run them on."""

    folder: Path
    dsn: str = ""
    package: str = ""
    names: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.package = f"shop_history_{next(NUMBERS)}"
        path = self.folder / self.package
        path.mkdir()
        (path / "__init__.py").write_text("")
        self.write("0001_initial", migration(INITIAL))

    def write(self, name: str, source: str, after: str | None = None) -> str:
        """Write a migration that depends on the last one (or on `after`)."""
        parent = after or (self.names[-1] if self.names else None)
        needs = f'[("shop", "{parent}")]' if parent else "[]"
        line = "class Migration(migrations.Migration):\n"
        source = source.replace(line, f"{line}    dependencies = {needs}\n")
        (self.folder / self.package / f"{name}.py").write_text(source)
        self.names.append(name)
        return name

    def remove(self, *names: str) -> None:
        """Delete migrations again."""
        for name in names:
            (self.folder / self.package / f"{name}.py").unlink()
            self.names.remove(name)

    @contextmanager
    def in_use(self) -> Iterator[None]:
        """Make Django see these migrations as the app's."""
        for module in [m for m in sys.modules if m.split(".")[0] == self.package]:
            del sys.modules[module]
        importlib.invalidate_caches()
        before = settings.MIGRATION_MODULES
        settings.MIGRATION_MODULES = {**before, "shop": self.package}
        try:
            yield
        finally:
            settings.MIGRATION_MODULES = before

    def write_example(self, example: Example, name: str = "0003_bad") -> str:
        """Write the example's setup and its bad migration."""
        if example.setup:
            self.write("0002_setup", migration(example.setup))
        extra = example.attributes if "=" in example.attributes else ""
        source = migration(
            example.bad, atomic=example.atomic, preamble=example.preamble, extra=extra
        )
        return self.write(name, source)

    def write_recipe(self, recipe: Recipe, preamble: str = "") -> list[tuple[str, Paste]]:
        """Write the recipe's migrations as they would be pasted; return their names."""
        steps = [step for step in recipe if isinstance(step, Paste)]
        return [
            (self.write(f"{10 + number:04}_recipe", HEAD + preamble + step.module()), step)
            for number, step in enumerate(steps)
        ]

    def lint(self, options: Settings | None = None, database: Database | None = None) -> Result:
        """Lint the history; without a connection unless `database` has facts."""
        with self.in_use():
            plan = load_plan(Scope(frozenset({"shop"})), loader=MigrationLoader(None))
        return lint(plan, database or Database(), options)

    @property
    def connection(self) -> Any:
        """Django's connection to the test's database."""
        return connections["default"]

    def migrate(self, name: str | None, fake: bool = False) -> None:
        """Run migrations up or back to `name`."""
        with self.in_use():
            MigrationExecutor(self.connection).migrate([("shop", name)], fake=fake)

    def session(self) -> psycopg.Connection[Any]:
        """Return another session, of a visitor."""
        return psycopg.connect(self.dsn, autocommit=True)

    def query(self, sql: str, keep: bool = True) -> Any:
        """Run statements (separated by semicolons) and return the last one's first value.

        Without `keep` everything is rolled back.
        """
        with self.session() as session, session.transaction(force_rollback=not keep):
            value: Any = None
            for part in sql.split(";"):
                cursor = session.execute(part.encode())
                row = cursor.fetchone() if cursor.description else None
                value = row[0] if row else None
            return value


@dataclass
class Visitors:
    """A reader and a writer who try a table while a migration's locks are held."""

    shop: Shop
    table: str
    reads_blocked: list[str] = field(default_factory=list)
    writes_blocked: list[str] = field(default_factory=list)
    attempts: int = 0

    def try_both(self, statement: str) -> None:
        """Read and write once; note the statement that made either of them wait."""
        self.attempts += 1
        read = f"SELECT 1 FROM {self.table} LIMIT 1"
        write = f"UPDATE {self.table} SET id = id WHERE id = 1"
        for sql, blocked in ((read, self.reads_blocked), (write, self.writes_blocked)):
            with self.shop.session() as session:
                session.execute("SET lock_timeout = '100ms'")
                try:
                    session.execute(sql.encode())
                except psycopg.errors.LockNotAvailable:
                    blocked.append(statement)

    @contextmanager
    def during(self, statement: str) -> Iterator[None]:
        """Try while a statement runs that cannot be in a transaction.

        An open write transaction keeps it from finishing, so that the visitors surely meet it.
        """
        done = threading.Event()
        blocker = self.shop.session()
        blocker.autocommit = False
        blocker.execute(f"UPDATE {self.table} SET id = id WHERE id = 2".encode())

        def visit() -> None:
            for _ in range(3):
                self.try_both(statement)
            blocker.rollback()
            while not done.wait(0.05):
                self.try_both(statement)

        visitors = threading.Thread(target=visit, daemon=True)
        visitors.start()
        try:
            yield
        finally:
            done.set()
            visitors.join(30)
            blocker.close()


def record(shop: Shop, visitors: Visitors | None, action: Callable[[], None]) -> list[Moment]:
    """Run `action` while the migration's statements are recorded and visitors try the table."""
    observer = shop.connection.copy("observer")
    observer.inc_thread_sharing()
    recorder = Recorder(shop.connection, observer)
    if visitors is not None:
        recorder.watch = lambda moment: visitors.try_both(moment.sql)
        recorder.around = visitors.during
    try:
        with recorder.recording():
            action()
    finally:
        observer.close()
    return recorder.moments


def stopped(moments: Sequence[Moment], visitors: Visitors, table: str) -> tuple[bool, bool]:
    """Return whether readers, and writers, waited for more than a change of the catalog.

    They did if they were blocked by a lock under which a statement worked through a table. The
    row locks of one batch (at most 1,000 rows) are no such thing.
    """
    heavy = {moment.sql for moment in moments if moment.works}
    batches = {m.sql for m in moments if m.kind in {"update", "delete"} and m.rows <= BATCH}
    reads = any(sql in heavy for sql in visitors.reads_blocked)
    blocked = [sql for sql in visitors.writes_blocked if reads or sql not in batches]
    writes = any(sql in heavy for sql in blocked)
    return reads, writes


def in_thread(action: Callable[[], Any]) -> tuple[threading.Thread, list[BaseException]]:
    """Begin `action` in a thread with connections of its own; it, and what it raised."""
    errors: list[BaseException] = []

    def run() -> None:
        try:
            action()
        except BaseException as error:
            errors.append(error)
        finally:
            connections.close_all()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return thread, errors
