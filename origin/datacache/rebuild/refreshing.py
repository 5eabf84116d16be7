"""Asks edges for pages, as a visitor without cookies: what is fresh there costs them nothing."""

from __future__ import annotations

import http.client
from collections.abc import Sequence
from types import TracebackType
from typing import Final, Self
from urllib.parse import urlsplit

from ...conf import get_settings
from ...purge_client import post_purge
from .sources import Page
from .words import FRESH, MADE, PASSED

TIMEOUT: Final = 60.0
"""Seconds that an edge may take for one page."""
PURGE_WAIT: Final = 2.0
"""Seconds that a purge may take to reach the other workers of an edge."""


class Refreshing:
    """One connection to each of the edges in `through`, kept for all pages of a batch.

    `admin`: their admin APIs, where what is stale, or with `force` everything, is purged first.
    """

    def __init__(self, through: Sequence[str], admin: Sequence[str], *, force: bool) -> None:
        self._edges = {edge: _connection(edge) for edge in through}
        self._admin = admin
        self._force = force

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for connection in self._edges.values():
            connection.close()

    def refresh(self, page: Page) -> str:
        """Have every edge hold the page. Raises RuntimeError, OSError, HTTPException."""
        if self._force:
            self._purge(page)
        words = {self._at(edge, page) for edge in self._edges}
        return next(word for word in (PASSED, MADE, FRESH) if word in words)

    def _at(self, edge: str, page: Page) -> str:
        status, trace = self._get(edge, page)
        if status < 500 and "detail=stale-while-revalidate" in trace:
            self._purge(page)  # of another release, or expired: have it now and not some time
            status, trace = self._get(edge, page)
        if status >= 500:
            raise RuntimeError(f"{edge} answered {status} ({trace})")
        return word_for(trace)

    def _get(self, edge: str, page: Page) -> tuple[int, str]:
        connection = self._edges[edge]
        was_open = connection.sock is not None
        try:
            return _exchange(connection, page)
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            # an edge may close what it finds idle, just as we ask: a GET can be asked again
            if not was_open or not isinstance(error, ConnectionError):
                raise
        return _exchange(connection, page)

    def _purge(self, page: Page) -> None:
        conf = get_settings()
        document = {"urls": [page.url], "groups": [], "prefixes": [], "all": False}
        for edge in self._admin:
            post_purge(
                edge,
                conf.admin_token or "",
                {**document, "wait": PURGE_WAIT},
                conf.purge_timeout + PURGE_WAIT,
            )


def word_for(trace: str) -> str:
    """What became of a page, by the Cache-Status (RFC 9211) of the last cache that it passed."""
    if "hit" in trace.split(",")[-1].partition(";")[2].split(";")[0]:
        return FRESH
    return PASSED if "fwd=bypass" in trace else MADE


def _connection(edge: str) -> http.client.HTTPConnection:
    parts = urlsplit(edge)
    return http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=TIMEOUT)


def _exchange(connection: http.client.HTTPConnection, page: Page) -> tuple[int, str]:
    target = urlsplit(page.url)
    path = (target.path or "/") + (f"?{target.query}" if target.query else "")
    headers = {
        "Host": target.netloc,
        "User-Agent": "twopass-rebuild",
        "Sec-Purpose": "prefetch",  # nobody visits: it must not count as popular
    }
    if page.cookies:
        headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in page.cookies.items())
    connection.request("GET", path, headers=headers)
    response = connection.getresponse()
    response.read()
    return response.status, response.getheader("Cache-Status", "")
