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
from ..scenario import Contestant, Scenario
from .visitors import cookies_of, read, require_held

PATH = "/personal/5/"
PLAIN = "#identity"
"""Ends the address of a contestant whose visitors take no gzip."""


def _measure(target: str, seconds: float) -> Measurement:
    base, _, is_plain = target.partition("#")
    headers = {} if is_plain else {"Accept-Encoding": "gzip"}
    return wrk(base + PATH, seconds, headers=headers, cookies=cookies_of(base))


def _check(_name: str, target: str) -> None:
    base, _, is_plain = target.partition("#")
    require_held(base, PATH, 5)
    if not is_plain:
        body = read(base + PATH, cookies_of(base)[0], Accept_Encoding="gzip")
        if b" only:" not in gzip.decompress(body):
            raise RuntimeError(f"{base}{PATH}: not the page")


def _identity() -> Contestant:
    @contextmanager
    def start() -> Iterator[str]:
        with edge_before_site() as url:
            yield url + PLAIN

    return Contestant("twopass-plain", "the same for visitors who take none", start)


SCENARIO = Scenario(
    name="gzip",
    what="A page of 10 kB with 5 private parts, held for each of 50 visitors, compressed.",
    contestants=(
        Contestant("twopass", "edge: blocks compressed beforehand", edge_before_site),
        _identity(),
        Contestant("nginx", "SSI and gzip", partial(nginx, partial(site, "ssi"), gzip=True)),
        Contestant("varnish", "ESI and gzip", partial(varnish, partial(site, "esi"), gzip=True)),
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
