"""What is declared to the data caches, as rows."""

from __future__ import annotations

from typing import Any

from django.urls import get_resolver

from .definition import Definition, declared


def rows() -> list[dict[str, Any]]:
    """Every declaration that the modules of ROOT_URLCONF have made, for `--json`."""
    _ = get_resolver().url_patterns  # imports them
    return [_row(found) for found in sorted(declared(), key=lambda found: found.label)]


def as_table(found: list[dict[str, Any]]) -> str:
    """For people."""
    if not found:
        return "Nothing is declared to the data caches."
    lines: list[str] = []
    for row in found:
        lines.append(row["name"])
        lines.append(f"    max_age     {row['max_age']:g} s")
        lines.append(f"    stale       {row['stale']:g} s")
        lines.append(f"    groups      {', '.join(row['groups']) or 'none of its own'}")
        lines.append(f"    schema      {row['schema']}")
    return "\n".join(lines)


def _row(found: Definition) -> dict[str, Any]:
    return {
        "name": found.label,
        "max_age": found.policy.max_age,
        "stale": found.policy.stale,
        "groups": list(found.shown_groups),
        "schema": found.schema,
    }
