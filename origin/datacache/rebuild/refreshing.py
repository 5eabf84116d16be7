"""Asks edges for pages, as a visitor without cookies: what is fresh there costs them nothing."""

from __future__ import annotations

import http.client
import re
from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Self
from urllib.parse import urlsplit

from ...addresses import canonical
from ...conf import get_settings
from ...purge_client import connection_to, post_purge
from .sources import BadSource, Page
from .words import FRESH, MADE, PASSED, REDIRECTED, REFUSED, word_of_status

TIMEOUT: Final = 60.0
"""Seconds that an edge may take for one page."""
PURGE_WAIT: Final = 2.0
"""Seconds that a purge may take to reach the other workers of an edge."""

_QUOTED: Final = r'"(?:[^"\\]|\\.)*"'
_STRING: Final = re.compile(_QUOTED)
_KEY: Final = re.compile(rf'\btwopass\s*;(?:[^,"]*;)?\s*key=({_QUOTED})')


class Misfiled(RuntimeError):
    """An edge keeps pages where nobody looks who visits them; all others would go there too."""


@dataclass(frozen=True, slots=True)
class Told:
    """What an edge answered: the status, Cache-Status (RFC 9211), and `address` out of it: scheme
    and host under which it knows the page, "" where it does not say."""

    status: int
    trace: str
    address: str

    @classmethod
    def of(cls, status: int, cache_status: str) -> Told:
        """Strings may hold anything, such as `fwd=bypass` in a URL, and are left out of `trace`."""
        keys: list[str] = _KEY.findall(cache_status)
        return cls(status, _STRING.sub('""', cache_status), _site(keys[-1][1:-1]) if keys else "")

    @property
    def word(self) -> str:
        """What became of the page, by the last cache that it passed. 5xx have no word."""
        if word := word_of_status(self.status):
            return word
        if "hit" in self.trace.split(",")[-1].partition(";")[2].split(";")[0]:
            return FRESH
        return PASSED if "fwd=bypass" in self.trace else MADE


class Refreshing:
    """One connection to each of the edges in `through`, kept for all pages of a batch.

    `admin`: their admin APIs, where what is stale, or with `force` everything, is purged first.
    """

    def __init__(self, through: Sequence[str], admin: Sequence[str], *, force: bool) -> None:
        self._edges = {edge: connection_to(urlsplit(edge), TIMEOUT) for edge in through}
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

    def refresh(self, page: Page) -> tuple[str, int]:
        """Have every edge hold the page; what became of it at worst, and the status that said so.

        Raises Misfiled; RuntimeError, OSError, HTTPException for a page that failed.
        """
        if self._force:
            self._purge(page)
        told = [self._at(edge, page) for edge in self._edges]
        answers = {answer.word: answer.status for answer in told}
        worst = next(w for w in (REFUSED, REDIRECTED, PASSED, MADE, FRESH) if w in answers)
        return worst, answers[worst]

    def _at(self, edge: str, page: Page) -> Told:
        told = self._get(edge, page)
        if told.status < 500 and "detail=stale-while-revalidate" in told.trace:
            self._purge(page)  # of another release, or expired: have it now and not some time
            told = self._get(edge, page)
        check_address(edge, page, told)
        if told.status >= 500:
            raise RuntimeError(f"{edge} answered {told.status} ({told.trace})")
        return told

    def _get(self, edge: str, page: Page) -> Told:
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


def check_address(edge: str, page: Page, told: Told) -> None:
    """Whether the edge knows the page by the address that visitors use. Raises Misfiled.

    What does not name it may be believed only where we came as visitors do, by the same scheme.
    """
    asked = _site(page.url)
    is_same_way = urlsplit(edge).scheme == urlsplit(page.url).scheme
    if told.address == asked or (not told.address and (is_same_way or told.status >= 400)):
        return
    where = f"as one of {told.address}" if told.address else "without saying under which address"
    raise Misfiled(
        f"{edge} keeps {page.url} {where}: visitors of {asked} would not find it. The edge must "
        "believe X-Forwarded-Proto from this machine (twopass edge --trusted-proxies ADDRESS), and "
        "what is between must leave it and Host as they are"
    )


def check_edge(edge: str) -> None:
    """Raises BadSource for what is no public address of an edge."""
    try:
        parts = urlsplit(edge)
        is_address = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:  # a port that is none
        is_address = False
    if not is_address or parts.path not in ("", "/"):
        raise BadSource(f"--through {edge!r} is no address such as http://127.0.0.1:8080")


def _exchange(connection: http.client.HTTPConnection, page: Page) -> Told:
    target = urlsplit(page.url)
    path = (target.path or "/") + (f"?{target.query}" if target.query else "")
    headers = {
        "Host": target.netloc,
        "X-Forwarded-Proto": target.scheme,  # part of the key: visitors come by TLS, and we do not
        "User-Agent": "twopass-rebuild",
        "Sec-Purpose": "prefetch",  # nobody visits: it must not count as popular; names the key
    }
    if page.cookies:
        headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in page.cookies.items())
    connection.request("GET", path, headers=headers)
    response = connection.getresponse()
    response.read()
    return Told.of(response.status, response.getheader("Cache-Status", ""))


def _site(url: str) -> str:
    parts = urlsplit(canonical(url))
    return f"{parts.scheme}://{parts.netloc.removesuffix('.')}"
