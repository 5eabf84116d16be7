"""What the running edges know: which pages they hold, and which are visited most."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from ...purge_client import parse_edge

MAX_ROWS: Final = 10_000
TIMEOUT: Final = 10.0


@dataclass(slots=True)
class Known:
    """Pages by URL: their visits, added up over edges, and their groups."""

    visits: dict[str, float] = field(default_factory=dict)
    groups: dict[str, tuple[str, ...]] = field(default_factory=dict)


def ask_edges(edges: Iterable[str], token: str) -> tuple[Known, list[str]]:
    """What edges say, and which did not say anything, and why."""
    known, silent = Known(), []
    for edge in edges:
        try:
            for item in _rows(edge, "objects", token):
                known.groups[item["url"]] = tuple(item.get("groups", ()))
            # what was purged a moment ago is counted here, though no edge holds it any more
            for item in _rows(edge, "visits", token):
                url = item["url"]
                known.visits[url] = known.visits.get(url, 0.0) + float(item["visits"])
        except (OSError, http.client.HTTPException, ValueError, KeyError, TypeError) as error:
            silent.append(f"{edge}: {error}")
    return known, silent


def _rows(edge: str, name: str, token: str) -> list[dict[str, Any]]:
    parts = parse_edge(edge)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(str(parts.hostname), parts.port, timeout=TIMEOUT)
    try:
        path = f"{parts.path.rstrip('/')}/{name}?limit={MAX_ROWS}"
        connection.request("GET", path, headers={"Authorization": f"Bearer {token}"})
        response = connection.getresponse()
        body = response.read()
        if response.status != 200:
            raise ValueError(f"{response.status} {body[:200].decode('utf-8', 'replace').strip()}")
        found: list[dict[str, Any]] = json.loads(body)
        return found
    finally:
        connection.close()
