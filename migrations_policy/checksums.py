"""The record of released migrations: their checksums, to notice edits and deletions."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from .facts import Migration

Recorded = tuple[tuple[tuple[str, str], str], ...]


def read(path: Path) -> Recorded:
    """Return ((app, name), checksum) for every recorded migration; empty without a file."""
    if not path.exists():
        return ()
    data = json.loads(path.read_text(encoding="utf-8"))
    return tuple(((app, name), data[app][name]) for app in data for name in data[app])


def write(path: Path, migrations: Iterable[Migration]) -> None:
    """Record these migrations as released."""
    data: dict[str, dict[str, str]] = {}
    for migration in migrations:
        data.setdefault(migration.app_label, {})[migration.name] = migration.checksum
    path.write_text(json.dumps(data, indent=1, sort_keys=True) + "\n", encoding="utf-8")
