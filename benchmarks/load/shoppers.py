"""Visitors of the storefront: browse, search, fill baskets, signed in or not."""

from __future__ import annotations

import asyncio
import random
import re
import time
from dataclasses import dataclass, field
from typing import Final

import uvloop

from ..results import Measurement
from .client import Page, Visitor

_TOKEN: Final = re.compile(rb'name="csrfmiddlewaretoken" value="([A-Za-z0-9]{64})"')
_PRODUCT: Final = re.compile(rb'href="(/en/p/[a-z0-9-]+/)"')
_CATEGORY: Final = re.compile(rb'href="(/en/c/[a-z0-9/-]+/)"')
_PK: Final = re.compile(rb'name="product" value="(\d+)"')


@dataclass(slots=True)
class Shop:
    """What there is to visit."""

    products: list[str]
    categories: list[str]

    def product(self, chance: random.Random) -> str:
        """Some product: a few are asked for much more often than the rest (Zipf, exponent 1)."""
        rank = int(len(self.products) ** chance.random())
        return self.products[rank - 1]


@dataclass(slots=True)
class Tally:
    """What happened in one round."""

    seconds: list[float] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    posts: int = 0


async def explore(base: str, wanted: int = 200) -> Shop:
    """Find categories and up to `wanted` products, as a crawler would."""
    visitor = Visitor(base)
    home = await visitor.get("/en/")
    categories = sorted({match.decode() for match in _CATEGORY.findall(home.body)})
    products: dict[str, None] = {}
    for category in categories:
        for number in (1, 2, 3):
            page = await visitor.get(f"{category}?page={number}")
            products.update((match.decode(), None) for match in _PRODUCT.findall(page.body))
        if len(products) >= wanted:
            break
    await visitor.close()
    if not categories or not products:
        raise RuntimeError(f"{base}/en/ shows no categories or products: is it the storefront?")
    return Shop(list(products)[:wanted], categories)


Customer = tuple[str, str]
"""E-mail address and password."""


async def sign_in(visitor: Visitor, customer: Customer) -> None:
    """Log in through the form. Raises RuntimeError when the shop does not let them in."""
    name, password = customer
    page = await visitor.get("/en/account/login/")
    token = _TOKEN.search(page.body)
    if token is None:
        raise RuntimeError(f"no token in the login form (status {page.status})")
    form = {"username": name, "password": password, "csrfmiddlewaretoken": token[1].decode()}
    answer = await visitor.post("/en/account/login/", form)
    if answer.status != 302 or "sessionid" not in visitor.cookies:
        raise RuntimeError(f"{name} could not log in (status {answer.status})")


def shop(
    base: str, seconds: float, visitors: int = 8, customers: tuple[Customer, ...] = ()
) -> Measurement:
    """One closed-loop round: `visitors` who never rest; signed in when `customers` are given."""
    return uvloop.run(_round(base, seconds, visitors, customers))


async def _round(
    base: str, seconds: float, visitors: int, customers: tuple[Customer, ...]
) -> Measurement:
    place = await explore(base)
    people = [Visitor(base) for _ in range(visitors)]
    for number, visitor in enumerate(people):
        if customers:
            await sign_in(visitor, customers[number % len(customers)])
    tally = Tally()
    started = time.perf_counter()
    ends = started + seconds
    await asyncio.gather(
        *(
            _wander(visitor, place, random.Random(number), ends, tally)
            for number, visitor in enumerate(people)
        )
    )
    took = time.perf_counter() - started
    for visitor in people:
        await visitor.close()
    if tally.failures:
        raise RuntimeError(f"{len(tally.failures)} pages failed, the first: {tally.failures[0]}")
    durations = sorted(tally.seconds)
    return {
        "pages_per_second": len(durations) / took,
        "p50_ms": durations[len(durations) // 2] * 1000,
        "p99_ms": durations[int(len(durations) * 0.99)] * 1000,
        "posts": float(tally.posts),
    }


async def _wander(
    visitor: Visitor, place: Shop, chance: random.Random, ends: float, tally: Tally
) -> None:
    while time.perf_counter() < ends:
        path = _next(place, chance)
        started = time.perf_counter()
        page = await visitor.get(path)
        tally.seconds.append(time.perf_counter() - started)
        if page.status != 200:
            tally.failures.append(f"{path} answered {page.status}")
        elif "/p/" in path and chance.random() < 0.05:
            await _buy(visitor, page, tally)


async def _buy(visitor: Visitor, page: Page, tally: Tally) -> None:
    token, product = _TOKEN.search(page.body), _PK.search(page.body)
    if token is None or product is None:
        tally.failures.append("a product page without a form to add it to the basket")
        return
    form = {"product": product[1].decode(), "quantity": "1"}
    form["csrfmiddlewaretoken"] = token[1].decode()
    answer = await visitor.post("/en/basket/add/", form)
    tally.posts += 1
    if answer.status != 302:
        tally.failures.append(f"adding to the basket answered {answer.status}")


def _next(place: Shop, chance: random.Random) -> str:
    point = chance.random()
    if point < 0.1:
        return "/en/"
    if point < 0.4:
        return chance.choice(place.categories)
    return place.product(chance)
