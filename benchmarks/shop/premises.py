"""One PostgreSQL for all contestants of a run: the shop is seeded once, each gets a copy of it."""

from __future__ import annotations

import os
import secrets
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import devstack
from devstack import PostgresNode

from ..contestants.django import gunicorn
from ..machine import server_core
from ..processes import python
from .customers import Customer, sign_up

APPLICATION = "examples.storefront.wsgi"
CUSTOMERS = 30
WORKERS = 2


@dataclass(frozen=True, slots=True)
class Copy:
    """A database of a contestant's own, as its environment, and who has an account in it."""

    environment: Mapping[str, str]
    customers: tuple[Customer, ...]


@dataclass(slots=True)
class Premises:
    """Opened by the first contestant, closed by the last one to leave."""

    _tenants: int = 0
    _stack: ExitStack = field(default_factory=ExitStack)
    _primary: PostgresNode | None = None
    _customers: tuple[Customer, ...] = ()
    _folder: Path = Path()
    _template: str = ""

    @contextmanager
    def copy(self) -> Iterator[Copy]:
        """A copy of the seeded shop and a Redis, with `CUSTOMERS` who are signed in."""
        if not self._tenants:
            self._open()
        self._tenants += 1
        try:
            with devstack.redis() as redis:
                _pin(redis.process.pid)
                yield self._copied(redis.url)
        finally:
            self._tenants -= 1
            if not self._tenants:
                self._stack.close()

    def _open(self) -> None:
        with ExitStack() as stack:
            self._folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            self._primary = stack.enter_context(devstack.postgres(replicas=0)).primary
            _pin(self._primary.process.pid)
            url = seeded(self._primary, self._folder)
            self._template = urlsplit(url).path.strip("/")
            plain = _environment(url, self._folder) | {"STOREFRONT_TWOPASS": "off"}
            with gunicorn(APPLICATION, "/healthz", plain) as url:
                self._customers = sign_up(url, CUSTOMERS)
            self._stack = stack.pop_all()

    def _copied(self, redis: str) -> Copy:
        assert self._primary is not None
        name = f"shop_{secrets.token_hex(4)}"
        self._primary.query(f"CREATE DATABASE {name} TEMPLATE {self._template}")
        self._primary.query("ANALYZE", name)
        environment = _environment(self._primary.dsn(name), self._folder)
        return Copy({**environment, "STOREFRONT_DATACACHE_URL": redis}, self._customers)


PREMISES = Premises()


def seeded(primary: PostgresNode, folder: Path) -> str:
    """Create a database with the whole shop in it; its URL. Raises RuntimeError."""
    name = f"bench_{secrets.token_hex(4)}"
    primary.query(f"CREATE DATABASE {name}")
    url = primary.dsn(name)
    for command in (("migrate", "--verbosity", "0"), ("seed_shop",)):
        done = subprocess.run(
            python("-m", "examples.storefront.manage", *command),
            env={**os.environ, **_environment(url, folder)},
            capture_output=True,
            text=True,
        )
        if done.returncode:
            raise RuntimeError(f"the shop could not be seeded:\n{done.stderr[-2000:]}")
    return url


def _environment(database_url: str, folder: Path) -> dict[str, str]:
    return {
        "DJANGO_SETTINGS_MODULE": "examples.storefront.settings",
        "STOREFRONT_DATABASE_URL": database_url,
        "STOREFRONT_VAR": str(folder),
        "STOREFRONT_EDGES": "",
    }


def _pin(server: int) -> None:
    """Databases are servers like others: they and their children run on the servers' core."""
    children = Path(f"/proc/{server}/task/{server}/children").read_text().split()
    for pid in (server, *map(int, children)):
        os.sched_setaffinity(pid, {server_core()})
