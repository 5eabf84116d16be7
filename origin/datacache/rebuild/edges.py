"""What the running edges know: which pages they hold, and which of them were used last."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from ...purge_client import parse_edge

MAX_OBJECTS: Final = 10_000
TIMEOUT: Final = 10.0


@dataclass(slots=True)
class Known:
    """Pages by URL: their rank by use, and their groups."""

    ranks: dict[str, int] = field(default_factory=dict)
    groups: dict[str, tuple[str, ...]] = field(default_factory=dict)


def ask_edges(edges: Iterable[str], token: str) -> tuple[Known, list[str]]:
    """What edges say, and which did not say anything, and why."""
    known, silent = Known(), []
    for edge in edges:
        try:
            for item in _objects(edge, token):
                known.ranks.setdefault(item["url"], len(known.ranks))
                known.groups[item["url"]] = tuple(item.get("groups", ()))
        except (OSError, http.client.HTTPException, ValueError, KeyError, TypeError) as error:
            silent.append(f"{edge}: {error}")
    return known, silent


def _objects(edge: str, token: str) -> list[dict[str, str]]:
    parts = parse_edge(edge)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(str(parts.hostname), parts.port, timeout=TIMEOUT)
    try:
        path = f"{parts.path.rstrip('/')}/objects?limit={MAX_OBJECTS}"
        connection.request("GET", path, headers={"Authorization": f"Bearer {token}"})
        response = connection.getresponse()
        body = response.read()
        if response.status != 200:
            raise ValueError(f"{response.status} {body[:200].decode('utf-8', 'replace').strip()}")
        found: list[dict[str, str]] = json.loads(body)
        return found
    finally:
        connection.close()
