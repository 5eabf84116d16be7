"""The 2,000 products, pure: every kind in every collection and each of its colours."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from ..art.palette import COLOURS
from .collections import SERIES, Series
from .shelves import MATERIALS, Kind, shelves

SEED_DAY = date(2026, 11, 2)
STOCKS = (0, 2, 4, 7, 12, 18, 26, 40, 64)
STOCK_WEIGHTS = (5, 5, 6, 14, 18, 18, 14, 12, 8)


@dataclass(frozen=True)
class Article:
    """One product before it is stored."""

    category_path: str
    collection: str
    fields: dict[str, object]


def articles() -> Iterator[Article]:
    """All products, the same each time."""
    dice = random.Random("lumen & loam")
    number = 0
    for shelf in shelves():
        for kind in shelf.kinds:
            for style, series in enumerate(SERIES):
                for colour in series.colours:
                    number += 1
                    fields = _fields(dice, number, kind, series, style, colour)
                    yield Article(f"{shelf.slug}/{kind.slug}", series.name.lower(), fields)


def _fields(
    dice: random.Random, number: int, kind: Kind, series: Series, style: int, colour: str
) -> dict[str, object]:
    material, material_de = MATERIALS[kind.material]
    tint = COLOURS[colour]
    size = dice.randint(*kind.size)
    introduced = SEED_DAY - timedelta(days=dice.randrange(900))
    return {
        "sku": f"LL{number:05d}",
        "slug": f"{series.name.lower()}-{kind.code}-{colour}",
        "name": f"{series.name} {kind.name}, {tint.english}",
        "name_de": f"{kind.name_de} {series.name}, {tint.german}",
        "description": f"{kind.use} {series.story}",
        "description_de": f"{kind.use_de} {series.story_de}",
        "material": material,
        "material_de": material_de,
        "measures": kind.measures.format(size),
        "colour": colour,
        "artwork": f"{kind.code}/{colour}-{style}",
        "price": _price(dice, kind, size),
        "stock": dice.choices(STOCKS, STOCK_WEIGHTS)[0],
        "introduced": introduced,
        "popularity": int(dice.paretovariate(1.1) * 10) % 5000,
    }


def _price(dice: random.Random, kind: Kind, size: int) -> Decimal:
    """Larger pieces cost more; everything ends in .00, .50 or .90."""
    low, high = kind.price
    smallest, largest = kind.size
    share = (size - smallest) / max(1, largest - smallest)
    whole = round(low + (high - low) * (share * 0.7 + dice.random() * 0.3))
    return Decimal(whole) + dice.choice((Decimal("0.00"), Decimal("-0.50"), Decimal("-0.10")))
