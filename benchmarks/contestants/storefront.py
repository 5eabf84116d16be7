"""The storefront as each contestant would run it, with the same origin workers and data."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import Popen

from ..processes import free_port
from ..shop.customers import Customer
from ..shop.premises import APPLICATION, PREMISES, WORKERS
from .django import gunicorn_process
from .edge import edge_process
from .varnish import varnish

_VCL = Path(__file__).parent / "configs" / "storefront.vcl"


@dataclass(frozen=True, slots=True)
class Open:
    """A shop that is open: who may come in, and where its edge is told what has changed."""

    customers: tuple[Customer, ...]
    is_ajax: bool = False
    """Pages are completed by a script, which asks for a visitor's own at /own/."""
    admin: str = ""
    token: str = field(default="", repr=False)
    edge_pid: int = 0
    origin_pid: int = 0


OPEN: dict[str, Open] = {}
"""By target, for as long as it runs."""


@contextmanager
def plain(**settings: str) -> Iterator[str]:
    """Two-pass off, data caches too: every page rendered for its visitor, from the database."""
    mine = {"STOREFRONT_TWOPASS": "off", "STOREFRONT_DATACACHE": "off", **settings}
    with PREMISES.copy() as copy, _origin({**copy.environment, **mine}) as (url, process):
        yield from _opened(url, Open(copy.customers, origin_pid=process.pid))


@contextmanager
def in_process() -> Iterator[str]:
    """Nothing in front: Django makes both passes, pages in the cache of each worker."""
    with PREMISES.copy() as copy, _origin(copy.environment) as (url, process):
        yield from _opened(url, Open(copy.customers, origin_pid=process.pid))


@contextmanager
def behind_edge(**settings: str) -> Iterator[str]:
    """Our edge before it, as `make demo` runs it; `settings` are the edge's environment."""
    secret, token, port = secrets.token_urlsafe(48), secrets.token_urlsafe(24), free_port()
    admin = f"http://127.0.0.1:{port}"
    mine = {"TWOPASS_SECRET": secret, "TWOPASS_ADMIN_TOKEN": token, "STOREFRONT_EDGES": admin}
    with (
        PREMISES.copy() as copy,
        _origin({**copy.environment, **mine}) as (origin, process),
        edge_process(origin, secret, token, port, settings) as (url, process_of_edge),
    ):
        shop = Open(
            copy.customers,
            admin=admin,
            token=token,
            edge_pid=process_of_edge.pid,
            origin_pid=process.pid,
        )
        yield from _opened(url, shop)


@contextmanager
def behind_varnish(*, esi: bool = True) -> Iterator[str]:
    """Varnish before it: with ESI, or with a script that asks for what is the visitor's own."""
    secret = secrets.token_urlsafe(48)
    mine = {
        "DJANGO_SETTINGS_MODULE": "benchmarks.shop.settings",
        "BENCHMARK_SURROGATE_SECRET": secret,
        "TWOPASS_SECRET": secrets.token_urlsafe(48),
    }

    @contextmanager
    def origin(environment: Mapping[str, str]) -> Iterator[str]:
        with _origin({**environment, **mine}) as (url, _):
            yield url

    names = {"secret": secret, "esi": "true" if esi else "false"}
    with (
        PREMISES.copy() as copy,
        varnish(lambda: origin(copy.environment), _VCL, "/healthz", filled=names) as url,
    ):
        yield from _opened(url, Open(copy.customers, is_ajax=not esi))


@contextmanager
def _origin(environment: Mapping[str, str]) -> Iterator[tuple[str, Popen[bytes]]]:
    with gunicorn_process(APPLICATION, "/healthz", environment, WORKERS) as running:
        yield running


def _opened(url: str, shop: Open) -> Iterator[str]:
    OPEN[url] = shop
    try:
        yield url
    finally:
        del OPEN[url]
