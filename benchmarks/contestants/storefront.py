"""The storefront: seeded once per run on PostgreSQL, served plain or behind our edge."""

from __future__ import annotations

import os
import secrets
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from devstack import PostgresNode

from ..processes import free_port, python
from .django import gunicorn
from .edge import edge

APPLICATION = "examples.storefront.wsgi"


def seeded(primary: PostgresNode, var: Path) -> str:
    """Create a database with the whole shop in it; its URL."""
    name = f"bench_{secrets.token_hex(4)}"
    primary.query(f"CREATE DATABASE {name}")
    url = primary.dsn(name)
    environment = {**os.environ, **_environment(url, var), "STOREFRONT_EDGES": ""}
    for command in (("migrate", "--verbosity", "0"), ("seed_shop",)):
        done = subprocess.run(
            python("-m", "examples.storefront.manage", *command),
            env=environment,
            capture_output=True,
            text=True,
        )
        if done.returncode:
            raise RuntimeError(f"the shop could not be seeded:\n{done.stderr[-2000:]}")
    return url


@contextmanager
def plain(database_url: str, var: Path) -> Iterator[str]:
    """The shop with two-pass off: every page rendered for its visitor."""
    environment = _environment(database_url, var) | {"STOREFRONT_TWOPASS": "off"}
    with gunicorn(APPLICATION, "/healthz", environment, workers=2) as url:
        yield url


@contextmanager
def behind_edge(database_url: str, var: Path) -> Iterator[str]:
    """The shop behind our edge, as `make demo` runs it."""
    secret, token, admin = secrets.token_urlsafe(48), secrets.token_urlsafe(24), free_port()
    environment = _environment(database_url, var) | {
        "TWOPASS_SECRET": secret,
        "TWOPASS_ADMIN_TOKEN": token,
        "STOREFRONT_EDGES": f"http://127.0.0.1:{admin}",
    }
    with (
        gunicorn(APPLICATION, "/healthz", environment, workers=2) as origin,
        edge(origin, secret, token, admin) as url,
    ):
        yield url


def _environment(database_url: str, var: Path) -> dict[str, str]:
    return {
        "DJANGO_SETTINGS_MODULE": "examples.storefront.settings",
        "STOREFRONT_DATABASE_URL": database_url,
        "STOREFRONT_VAR": str(var),
    }
