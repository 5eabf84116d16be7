"""From two environment settings to Django's DATABASES: SQLite, PostgreSQL, and replicas."""

from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

POSTGRESQL_SCHEMES = frozenset({"postgres", "postgresql"})


def databases(url: str, replicas: str, default_file: Path) -> dict[str, dict[str, Any]]:
    """DATABASES for ``STOREFRONT_DATABASE_URL`` and ``STOREFRONT_REPLICAS``.

    ``url`` is empty (SQLite in ``default_file``), ``sqlite:///path`` or
    ``postgresql://user:password@host:port/name``; ``replicas`` is ``host:port,host:port``.
    Raises ValueError, naming the setting, for anything else.
    """
    parts = urlsplit(url)
    if not url or parts.scheme == "sqlite":
        if replicas:
            raise ValueError("STOREFRONT_REPLICAS needs a PostgreSQL STOREFRONT_DATABASE_URL")
        return {"default": _sqlite(Path(parts.path) if url else default_file)}
    if parts.scheme not in POSTGRESQL_SCHEMES or not parts.path.strip("/"):
        raise ValueError(
            "STOREFRONT_DATABASE_URL must be sqlite:///path or postgresql://user@host:port/name"
        )
    primary = {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.strip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": unquote(parts.hostname or ""),
        "PORT": str(parts.port or ""),
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
    }
    if not replicas:
        return {"default": primary}
    nodes = [node.strip() for node in replicas.split(",") if node.strip()]
    virtual = {**primary, "ENGINE": "dbrouting.backends.postgresql", "REPLICAS": nodes}
    return {"default": primary, "replica": {**virtual, "TEST": {"MIRROR": "default"}}}


def _sqlite(file: Path) -> dict[str, Any]:
    """SQLite that bears several worker processes.

    WAL lets readers go on while one writes; IMMEDIATE takes the write lock at BEGIN, since a
    transaction that reads first and upgrades later fails at once when another has written.
    """
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": file,
        "CONN_MAX_AGE": 60,
        "OPTIONS": {
            "timeout": 20,
            "transaction_mode": "IMMEDIATE",
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
        },
    }
