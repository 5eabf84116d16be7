"""Parts of 50 ms that nobody may keep, one visitor at a time: first byte, whole page."""

from __future__ import annotations

import socket
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from urllib.parse import urlsplit

from ..contestants.django import async_site, site
from ..contestants.edge import edge_before_site
from ..contestants.nginx import nginx
from ..contestants.varnish import varnish
from ..load.wrk import added
from ..results import Goal, Measurement
from ..scenario import Bounds, Contestant, Scenario, each
from .visitors import cookies_of, counts

PARTS = {"": 20, "_of_5": 5}
"""What metrics of a page are called after, and how many parts it has."""
SYNC = "#slow_sync"
"""Ends the address of a contestant whose parts are rendered by blocking code."""


def _measure(target: str, seconds: float) -> Measurement:
    base, _, kind = target.partition("#")
    row: dict[str, float] = {}
    for name, parts in PARTS.items():
        row |= _page_of(base, f"/{kind or 'slow'}/{parts}/", name, seconds / len(PARTS))
    return row


def _page_of(base: str, path: str, name: str, seconds: float) -> dict[str, float]:
    cookie, parts = cookies_of(base)[0], int(path.split("/")[2])
    rows: list[tuple[float, float]] = []
    before = counts(base)
    until = time.monotonic() + seconds
    while time.monotonic() < until or not rows:
        rows.append(_page(base, path, cookie, parts))
    return {
        f"first_byte{name}_ms": statistics.median(first for first, _ in rows) * 1000,
        f"whole_page{name}_ms": statistics.median(whole for _, whole in rows) * 1000,
        **{f"{what}{name}": n for what, n in added(before, counts(base), len(rows)).items()},
    }


def _page(base: str, path: str, cookie: str, parts: int) -> tuple[float, float]:
    """Seconds until the first byte and the last one, on a connection of its own."""
    address = urlsplit(base)
    request = f"GET {path} HTTP/1.1\r\nHost: {address.netloc}\r\nCookie: {cookie}\r\n"
    with socket.create_connection((address.hostname or "", address.port or 80), 30) as visitor:
        began = time.perf_counter()
        visitor.sendall(request.encode() + b"Connection: close\r\n\r\n")
        received = visitor.recv(65536)
        first = time.perf_counter() - began
        while data := visitor.recv(65536):
            received += data
        whole = time.perf_counter() - began
    if received.count(b" only:") != parts:
        raise RuntimeError(f"{base}{path}: {received.count(b' only:')} of {parts} parts came")
    return first, whole


def _check(_name: str, target: str) -> None:
    _measure(target, 0.5)


def _asks(few: int | None = None) -> dict[str, Bounds]:
    """The claim of a contestant who asks so often for each page; as often as it has parts."""
    return {f"origin_requests_per_page{name}": each(few or n) for name, n in PARTS.items()}


def _sync(name: str, what: str, claims: dict[str, Bounds], **settings: str) -> Contestant:
    @contextmanager
    def start() -> Iterator[str]:
        with edge_before_site(site, **settings) as url:
            yield url + SYNC

    return Contestant(
        name, f"blocking renderers, {what}, gunicorn with four threads", start, claims
    )


SCENARIO = Scenario(
    name="slow-fragments",
    what="A page of 10 kB with 20 parts of 50 ms each that are not kept, and one with 5; async "
    "views under uvicorn, one visitor at a time.",
    contestants=(
        Contestant("twopass", "one bundle", partial(edge_before_site, async_site), _asks(1)),
        _sync("twopass-sync", "one bundle", _asks(1), TWOPASS_BUNDLES_PER_PAGE="1"),
        _sync("twopass-planned", "the bundles that the edge plans", {}),
        Contestant("nginx", "SSI", partial(nginx, partial(async_site, "ssi")), _asks()),
        Contestant("varnish", "ESI", partial(varnish, partial(async_site, "esi")), _asks()),
    ),
    measure=_measure,
    check=_check,
    goals=(
        Goal("the whole page, in ms", "twopass", "whole_page_ms", at_most=60),
        Goal("its first byte, in ms", "twopass", "first_byte_ms", at_most=2),
        Goal("requests to the origin", "twopass", "origin_requests_per_page", at_most=1),
    ),
)
