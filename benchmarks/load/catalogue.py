"""What there is to visit in the storefront, as a crawler finds it."""

from __future__ import annotations

import asyncio
import random
import re
from dataclasses import dataclass
from typing import Final

from .client import Visitor

HOME: Final = "/en/"
SEARCHES: Final = tuple(f"/en/search/?q={word}" for word in ("mug", "moss", "lamp", "rug", "bowl"))
_PRODUCT: Final = re.compile(rb'href="(/en/p/[a-z0-9-]+/)"')
_CATEGORY: Final = re.compile(rb'href="(/en/c/[a-z0-9/-]+/)"')
_LISTING_PAGES: Final = 3


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Paths of listings and products, the most wanted product first."""

    products: tuple[str, ...]
    categories: tuple[str, ...]

    def product(self, chance: random.Random) -> str:
        """Some product: the n-th is asked for 1/n as often as the first (Zipf, exponent 1)."""
        return self.products[int((len(self.products) + 1) ** chance.random()) - 1]

    def category(self, chance: random.Random) -> str:
        """Some category, mostly its first page."""
        path = chance.choice(self.categories)
        return path if chance.random() < 0.7 else f"{path}?page={chance.randint(2, 3)}"

    def all_paths(self) -> list[str]:
        """Every page that visitors of this catalogue can come to."""
        listings = [f"{path}?page={number}" for path in self.categories for number in (2, 3)]
        return [HOME, *SEARCHES, *self.categories, *listings, *self.products]


async def explore(base: str, wanted: int = 200) -> Catalogue:
    """Find the categories and up to `wanted` products.

    Raises RuntimeError where there is no storefront.
    """
    visitor = Visitor(base)
    home = await visitor.get(HOME)
    categories = sorted({match.decode() for match in _CATEGORY.findall(home.body)})
    listings = [
        await visitor.get(f"{category}?page={number}")
        for category in categories
        for number in range(1, _LISTING_PAGES + 1)
    ]
    await visitor.close()
    found = (match.decode() for page in listings for match in _PRODUCT.findall(page.body))
    products = sorted(dict.fromkeys(found))
    if not categories or not products:
        raise RuntimeError(f"{base}{HOME} shows no categories or products: is it the storefront?")
    # by name they would be lamps first; shuffled the same way each time
    random.Random(1).shuffle(products)
    return Catalogue(tuple(products[:wanted]), tuple(categories))


async def visit_all(base: str, catalogue: Catalogue, cookies: dict[str, str]) -> None:
    """Ask for every page once, as one visitor, so that what can be held is. Raises RuntimeError."""
    paths = catalogue.all_paths()

    async def some(mine: list[str]) -> None:
        visitor = Visitor(base)
        visitor.cookies |= cookies
        for path in mine:
            page = await visitor.get(path)
            if page.status != 200:
                raise RuntimeError(f"{base}{path} answered {page.status}")
        await visitor.close()

    await asyncio.gather(*(some(paths[number::4]) for number in range(4)))
