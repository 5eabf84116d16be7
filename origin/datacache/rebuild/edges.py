"""What the running edges know: which pages are visited most, and the groups of those they hold."""

from __future__ import annotations

import http.client
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from os.path import commonprefix
from typing import Any, Final, TypeAlias
from urllib.parse import urlencode

from ...purge_client import connection_to, parse_edge

MAX_ROWS: Final = 10_000
"""What an edge gives at most in one answer."""
TIMEOUT: Final = 10.0

Rows: TypeAlias = list[dict[str, Any]]


def ask_visits(edges: Iterable[str], token: str) -> tuple[dict[str, float], list[str]]:
    """Visits by URL, added up, and which edges did not say anything, and why.

    What was purged a moment ago is counted, though no edge holds it any more.
    """
    visits: dict[str, float] = {}

    def add(edge: str) -> None:
        for row in _rows(edge, "visits", token):
            url = row["url"]
            visits[url] = visits.get(url, 0.0) + float(row["visits"])

    return visits, _each(edges, add)


def ask_groups(
    edges: Iterable[str], token: str, urls: Sequence[str]
) -> tuple[dict[str, set[str]], list[str]]:
    """The groups of what edges hold, at least of the pages `urls`, and which edges said nothing."""
    groups: dict[str, set[str]] = {}

    def add(edge: str) -> None:
        for row in _objects(lambda prefix: _rows(edge, "objects", token, prefix), urls):
            groups.setdefault(row["url"], set()).update(row.get("groups", ()))

    return groups, _each(edges, add)


def _objects(ask: Callable[[str], Rows], urls: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Where one answer cannot hold all that begins like `urls`, those of longer prefixes."""
    pending = [list(urls)]
    while pending:
        alike = pending.pop()
        prefix = commonprefix(alike)  # noqa: RUF071  # of characters, as the edge compares
        rows = ask(prefix)
        yield from rows
        if len(rows) >= MAX_ROWS:
            parted: dict[str, list[str]] = {}
            for url in alike:
                if url != prefix:
                    parted.setdefault(url[len(prefix)], []).append(url)
            pending += parted.values()


def _each(edges: Iterable[str], add: Callable[[str], None]) -> list[str]:
    silent = []
    for edge in edges:
        try:
            add(edge)
        except (OSError, http.client.HTTPException, ValueError, KeyError, TypeError) as error:
            silent.append(f"{edge}: {error}")
    return silent


def _rows(edge: str, name: str, token: str, prefix: str = "") -> Rows:
    parts = parse_edge(edge)
    connection = connection_to(parts, TIMEOUT)
    try:
        query = urlencode({"limit": MAX_ROWS, "prefix": prefix})
        path = f"{parts.path.rstrip('/')}/{name}?{query}"
        connection.request("GET", path, headers={"Authorization": f"Bearer {token}"})
        response = connection.getresponse()
        body = response.read()
        if response.status != 200:
            raise ValueError(f"{response.status} {body[:200].decode('utf-8', 'replace').strip()}")
        found: Rows = json.loads(body)
        return found
    finally:
        connection.close()
