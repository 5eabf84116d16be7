"""Statements that PostgreSQL has run, by its own count: no way past Django hides one."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from devstack import PostgresNode
from devstack.postgresql.programs import find_postgres

EXTENSION: Final = "pg_stat_statements"


def settings() -> Mapping[str, str]:
    """What a server's configuration needs for it; nothing where the extension is not installed."""
    library = Path(find_postgres().folder).parent / "lib" / f"{EXTENSION}.so"
    if not library.exists():
        return {}
    return {
        "shared_preload_libraries": EXTENSION,
        f"{EXTENSION}.track_utility": "off",
        f"{EXTENSION}.max": "10000",
    }


def start(node: PostgresNode) -> None:
    """Once a server. Does nothing where its configuration lacks it."""
    if EXTENSION in str(node.query("SHOW shared_preload_libraries")):
        node.query(f"CREATE EXTENSION {EXTENSION}")


def count(node: PostgresNode, database: str) -> int | None:
    """Queries in one database since the server started; None where nobody counts."""
    if not node.query(f"SELECT 1 FROM pg_extension WHERE extname = '{EXTENSION}'"):
        return None
    found = node.query_value(
        f"SELECT coalesce(sum(calls), 0) FROM {EXTENSION} JOIN pg_database ON oid = dbid "
        f"WHERE datname = '{database}'"
    )
    return int(str(found))
