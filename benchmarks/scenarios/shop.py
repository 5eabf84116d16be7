"""The storefront on PostgreSQL with signed-in visitors."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Final

import uvloop

from ..contestants.storefront import OPEN, behind_edge, behind_varnish, in_process, plain
from ..load.catalogue import Catalogue, explore, visit_all
from ..load.client import Visitor
from ..load.core import on_load_core
from ..load.shoppers import OWN, is_all_held, is_hit, shop
from ..results import Goal, Measurement
from ..scenario import Bounds, Contestant, Scenario
from ..shop.customers import Customer
from ..shop.premises import CUSTOMERS

CLAIMS: Final[Mapping[str, Mapping[str, Bounds]]] = {
    # a change of the basket drops some of its visitor's parts, which the next page asks for
    "twopass": {"page_hit_share": (0.99, 1), "all_held_share": (0.9, 1)},
    "twopass-unheld": {"page_hit_share": (0.99, 1), "all_held_share": (0, 0.01)},
    "varnish": {"page_hit_share": (0.99, 1)},
    "ajax": {"page_hit_share": (0.99, 1)},
}
"""The share of pages that come out of the cache before the shop, and with all of their parts."""

_catalogues: dict[str, Catalogue] = {}


def _measure(target: str, seconds: float) -> Measurement:
    place = OPEN[target]
    with on_load_core():
        return shop(target, seconds, _catalogues[target], place.customers, is_ajax=place.is_ajax)


def _check(name: str, target: str) -> None:
    with on_load_core():
        uvloop.run(_prepare(name, target))


async def _prepare(name: str, target: str) -> None:
    place = OPEN[target]
    catalogue = _catalogues[target] = await explore(target)
    await visit_all(target, catalogue, dict(place.customers[0].cookies))
    for customer in place.customers[:5]:
        for path in (catalogue.products[0], catalogue.categories[0]):
            await _require_own(name, target, customer, path)


async def _require_own(name: str, target: str, customer: Customer, path: str) -> None:
    """The page shows who it is for and their basket, and comes out of the cache if there is one."""
    visitor = Visitor(target)
    visitor.cookies |= customer.cookies
    page = await visitor.get(path)
    page = await visitor.get(path)
    own = (await visitor.get(OWN)).body if OPEN[target].is_ajax else page.body
    await visitor.close()
    if f"Hello, {customer.name}<".encode() not in own or b'"badge-count">1<' not in own:
        raise RuntimeError(f"{target}{path} lacks the name or the basket of {customer.name}")
    if own.count(b"Hello, ") != 1:
        raise RuntimeError(f"{target}{path} greets more than one visitor")
    timing = page.header("server-timing")
    if "page_hit_share" in CLAIMS.get(name, {}) and not is_hit(page):
        raise RuntimeError(f"{target}{path} is no hit: {page.header('cache-status')}")
    if name == "twopass" and not is_all_held(page):
        raise RuntimeError(f"{target}{path} has fragments that are not held: {timing}")
    if name == "twopass-unheld" and is_all_held(page):
        raise RuntimeError(f"{target}{path} holds private fragments: {timing}")


SCENARIO = Scenario(
    name="shop",
    what=f"The storefront on PostgreSQL, with its data caches. {CUSTOMERS} customers, signed in, "
    "browse, search and fill their baskets without rest, one change of the basket for each hundred "
    "pages.",
    contestants=(
        Contestant(
            "twopass",
            "edge as configured: private fragments held",
            behind_edge,
            CLAIMS["twopass"],
        ),
        Contestant(
            "twopass-unheld",
            "the same, private fragments asked for on each page (private_max_age=0)",
            partial(behind_edge, TWOPASS_PRIVATE_MAX_AGE="0"),
            CLAIMS["twopass-unheld"],
        ),
        Contestant(
            "varnish",
            "ESI; pages, shared parts and tokens held",
            behind_varnish,
            CLAIMS["varnish"],
        ),
        Contestant(
            "ajax",
            "pages held by Varnish, one request of a script for the visitor's own",
            partial(behind_varnish, esi=False),
            CLAIMS["ajax"],
        ),
        Contestant("in-process", "no edge: Django makes both passes itself", in_process),
        Contestant("django", "two-pass off, no cache of pages or data", plain),
    ),
    measure=_measure,
    check=_check,
    goals=(
        Goal(
            "as configured, against plain Django, pages per second",
            "twopass", "pages_per_second", at_least=50, against=("django",),
        ),
        Goal(
            "private fragments not held, against Varnish ESI, pages per second",
            "twopass-unheld", "pages_per_second", at_least=3, against=("varnish",),
        ),
        Goal(
            "private fragments not held, against plain Django, pages per second",
            "twopass-unheld", "pages_per_second", at_least=8, against=("django",),
        ),
    ),
    seconds=8,
    rounds=3,
)  # fmt: skip
