"""The page with five private parts for visitors who take gzip."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from ..contestants.django import site
from ..contestants.edge import edge_before_site
from ..contestants.nginx import nginx
from ..contestants.varnish import varnish
from ..load.wrk import wrk
from ..results import Goal, Measurement
from ..scenario import NEVER, Contestant, Scenario
from .visitors import cookies_of, counts, read, require_held

SIZES = {"": 10, "_200kb": 200}
"""What metrics of a size end with, and its kilobytes."""
HELD = {f"origin_requests_per_page{end}": NEVER for end in SIZES}
PLAIN = "#identity"
"""Ends the address of a contestant whose visitors take no gzip."""
LEVEL = 6


def _path(kilobytes: int) -> str:
    return f"/personal/5/{kilobytes}/"


def _measure(target: str, seconds: float) -> Measurement:
    row: dict[str, float] = {}
    for end, kilobytes in SIZES.items():
        rates = _at(target, kilobytes, seconds / len(SIZES))
        row |= {f"{metric}{end}": value for metric, value in rates.items()}
    return row


def _at(target: str, kilobytes: int, seconds: float) -> Measurement:
    base, _, is_plain = target.partition("#")
    url = base + _path(kilobytes)
    headers = {} if is_plain else {"Accept-Encoding": "gzip"}
    rates = wrk(
        url, seconds, headers=headers, cookies=cookies_of(base), counts=partial(counts, base)
    )
    if is_plain:
        return rates
    return {**rates, "bytes_lost_percent": _lost(url, cookies_of(base)[0])}


def _lost(url: str, cookie: str) -> float:
    """By how many per cent the body is larger than the document compressed as a whole."""
    sent = read(url, cookie, Accept_Encoding="gzip")
    whole = gzip.compress(gzip.decompress(sent), LEVEL, mtime=0)
    return 100 * (len(sent) / len(whole) - 1)


def _check(_name: str, target: str) -> None:
    base, _, is_plain = target.partition("#")
    for kilobytes in SIZES.values():
        require_held(base, _path(kilobytes), 5)
        if not is_plain:
            body = read(base + _path(kilobytes), cookies_of(base)[0], Accept_Encoding="gzip")
            if b" only:" not in gzip.decompress(body):
                raise RuntimeError(f"{base}{_path(kilobytes)}: not the page")


def _identity() -> Contestant:
    @contextmanager
    def start() -> Iterator[str]:
        with edge_before_site() as url:
            yield url + PLAIN

    return Contestant("twopass-plain", "the same for visitors who take none", start, HELD)


SCENARIO = Scenario(
    name="gzip",
    what="A page of 10 kB, and one of 200 kB, with 5 private parts held for each of 50 visitors, "
    "compressed. Bytes are lost against the document compressed as a whole.",
    contestants=(
        Contestant("twopass", "edge: blocks compressed beforehand", edge_before_site, HELD),
        _identity(),
        Contestant("nginx", "SSI and gzip", partial(nginx, partial(site, "ssi"), gzip=True), HELD),
        Contestant(
            "varnish", "ESI and gzip", partial(varnish, partial(site, "esi"), gzip=True), HELD
        ),
    ),
    measure=_measure,
    check=_check,
    goals=(
        Goal(
            "compressed against plain, pages per second",
            "twopass", "requests_per_second", at_least=0.7, against=("twopass-plain",),
        ),
        Goal(
            "twopass against nginx SSI and gzip, pages per second",
            "twopass", "requests_per_second", at_least=6, against=("nginx",),
        ),
    ),
)  # fmt: skip
