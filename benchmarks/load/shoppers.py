"""Closed-loop load on the storefront: customers who browse and fill baskets without rest."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import uvloop

from ..results import Measurement
from ..shop.customers import PRODUCT, TOKEN, Customer
from .catalogue import HOME, SEARCHES, Catalogue
from .client import Page, Visitor
from .latency import Latencies

CHANGES: Final = 0.01
"""How many pages a visitor looks at for each change of the basket: a hundred."""
OWN: Final = "/own/"
WARM_UP: Final = 2.0


@dataclass(slots=True)
class Tally:
    """What happened in one round."""

    latencies: Latencies = field(default_factory=Latencies)
    failures: list[str] = field(default_factory=list)
    changes: int = 0
    hits: int = 0
    told: int = 0
    held: int = 0


def shop(
    base: str,
    seconds: float,
    catalogue: Catalogue,
    customers: Sequence[Customer],
    *,
    is_ajax: bool = False,
) -> Measurement:
    """One round after a short warm-up. Raises RuntimeError when a page is not its visitor's.

    With `is_ajax` a page is whole when the script's request for the visitor's own has come, too.
    """
    return uvloop.run(_round(base, seconds, catalogue, customers, is_ajax))


async def _round(
    base: str, seconds: float, catalogue: Catalogue, customers: Sequence[Customer], is_ajax: bool
) -> Measurement:
    shoppers = [
        Shopper(base, customer, catalogue, random.Random(number), is_ajax)
        for number, customer in enumerate(customers)
    ]
    await _all(shoppers, min(WARM_UP, seconds), Tally())
    tally = Tally()
    began, busy = time.perf_counter(), time.process_time()
    await _all(shoppers, seconds, tally)
    took, busy = time.perf_counter() - began, time.process_time() - busy
    for shopper in shoppers:
        await shopper.visitor.close()
    row = tally.latencies.metrics()
    return {
        "pages_per_second": len(tally.latencies) / took,
        **{name: row[name] for name in ("p50_ms", "p99_ms")},
        "changes_per_second": tally.changes / took,
        "page_hit_share": tally.hits / max(1, len(tally.latencies)),
        # only our edge tells which parts it had
        **({"all_held_share": tally.held / tally.told} if tally.told else {}),
        "client_busy": busy / took,
    }


async def _all(shoppers: Sequence[Shopper], seconds: float, tally: Tally) -> None:
    ends = time.perf_counter() + seconds
    await asyncio.gather(*(shopper.wander(ends, tally) for shopper in shoppers))
    if tally.failures:
        raise RuntimeError(f"{len(tally.failures)} pages failed, the first: {tally.failures[0]}")


def is_hit(page: Page) -> bool:
    """Whether the cache before the shop, which says so, had the page itself."""
    held = "twopass;hit" in page.header("cache-status")
    return held or page.header("x-cache-hits") not in ("", "0")


def is_all_held(page: Page) -> bool:
    """Whether our edge had all parts of it, too."""
    return is_hit(page) and " 0 asked" in page.header("server-timing")


class Shopper:
    """A customer with a browser."""

    def __init__(
        self,
        base: str,
        customer: Customer,
        catalogue: Catalogue,
        chance: random.Random,
        is_ajax: bool,
    ) -> None:
        self.visitor = Visitor(base)
        self.visitor.cookies |= customer.cookies
        self._greeting = f"Hello, {customer.name}<".encode()
        self._catalogue, self._chance, self._is_ajax = catalogue, chance, is_ajax

    async def wander(self, ends: float, tally: Tally) -> None:
        """Look at pages until `ends`."""
        while time.perf_counter() < ends:
            path = self._next()
            began = time.perf_counter()
            page = await self.visitor.get(path)
            own = await self.visitor.get(OWN) if self._is_ajax else page
            tally.latencies.add(time.perf_counter() - began)
            tally.hits += is_hit(page)
            tally.told += " asked" in page.header("server-timing")
            tally.held += is_all_held(page)
            if page.status != 200 or self._greeting not in own.body:
                tally.failures.append(f"{path} (status {page.status}) does not greet its visitor")
            elif self._chance.random() < CHANGES and "/p/" in path:
                await self._fill(path, page, own, tally)

    async def _fill(self, path: str, page: Page, own: Page, tally: Tally) -> None:
        token, product = TOKEN.search(own.body), PRODUCT.search(page.body)
        if token is None or product is None:
            tally.failures.append(f"{path} has no form to add it to the basket")
            return
        form = {"product": product[1].decode(), "quantity": "1", "next": path}
        form["csrfmiddlewaretoken"] = token[1].decode()
        answer = await self.visitor.post("/en/basket/add/", form, path)
        tally.changes += 1
        if answer.status != 302:
            tally.failures.append(f"adding to the basket answered {answer.status}")

    def _next(self) -> str:
        point = self._chance.random()
        if point < 0.1:
            return HOME
        if point < 0.15:
            return self._chance.choice(SEARCHES)
        if point < 0.4:
            return self._catalogue.category(self._chance)
        return self._catalogue.product(self._chance)
