"""The storefront: seeded once per run on PostgreSQL, served plain or behind our edge."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..processes import free_port
from .django import gunicorn
from .edge import edge

APPLICATION = "examples.storefront.wsgi"


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
