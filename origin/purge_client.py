"""One purge over HTTP, with the standard library: `POST /purge` of an edge's admin API."""

from __future__ import annotations

import http.client
import json
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import SplitResult, urlsplit

MAX_ANSWER: Final = 64 * 1024


class Unreachable(Exception):
    """The edge did not answer, or is in trouble: try again."""


class Refused(Exception):
    """The edge will not do this; `is_about_names`: because of what was to be purged."""

    def __init__(self, message: str, *, is_about_names: bool) -> None:
        super().__init__(message)
        self.is_about_names = is_about_names


def parse_edge(edge: str) -> SplitResult:
    """The address of an admin API. Raises ValueError, saying what one looks like."""
    parts = urlsplit(edge)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise ValueError(f"{edge!r} is no address of an admin API, such as http://127.0.0.1:9000")
    _ = parts.port  # raises ValueError for one out of range
    return parts


def connection_to(parts: SplitResult, timeout: float) -> http.client.HTTPConnection:
    """A connection, not open yet, to an edge by its scheme. `timeout` in seconds, for each step."""
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    return kind(str(parts.hostname), parts.port, timeout=timeout)


def post_purge(edge: str, token: str, document: Mapping[str, Any], timeout: float) -> None:
    """Returns when the edge has taken the purge. `timeout` in seconds, for each step.

    Raises Unreachable, Refused.
    """
    try:
        status, answer = _post(parse_edge(edge), token, json.dumps(document).encode(), timeout)
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise Unreachable(str(error) or type(error).__name__) from error
    if status in (200, 202):
        return
    text = f"{status} {answer.decode('utf-8', 'replace').strip()[:300]}"
    if status in (401, 403):
        raise Refused(
            f"{text}: give this project the edge's TWOPASS_ADMIN_TOKEN", is_about_names=False
        )
    if status in (400, 413, 414):
        raise Refused(f"{text}: purging everything instead", is_about_names=True)
    raise Unreachable(text)


def _post(parts: SplitResult, token: str, body: bytes, timeout: float) -> tuple[int, bytes]:
    connection = connection_to(parts, timeout)
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {token}"}
    try:
        connection.request("POST", parts.path.rstrip("/") + "/purge", body, headers)
        response = connection.getresponse()
        return response.status, response.read(MAX_ANSWER)
    finally:
        connection.close()
