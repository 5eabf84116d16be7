"""The category tree and the kinds of products on it, read from ``shelves.toml``."""

import tomllib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

MATERIALS = {
    "stoneware": ("stoneware", "Steinzeug"),
    "linen": ("washed linen", "gewaschenes Leinen"),
    "wool": ("undyed lambswool", "naturbelassene Lammwolle"),
    "cotton": ("organic cotton", "Bio-Baumwolle"),
    "oak": ("oiled oak", "geöltes Eichenholz"),
    "steel": ("powder-coated steel", "pulverbeschichteter Stahl"),
    "terracotta": ("frost-proof terracotta", "frostfeste Terrakotta"),
    "paper": ("heavy cotton paper", "schweres Büttenpapier"),
    "brass": ("brushed brass", "gebürstetes Messing"),
}


@dataclass(frozen=True)
class Kind:
    """One kind of product; it has a category of its own.

    ``price`` (whole euro) and ``size`` (cm) are ranges.
    """

    code: str
    slug: str
    name: str
    name_de: str
    plural: str
    plural_de: str
    material: str
    price: tuple[int, int]
    size: tuple[int, int]
    measures: str
    use: str
    use_de: str


@dataclass(frozen=True)
class Shelf:
    """A top category."""

    slug: str
    name: str
    name_de: str
    blurb: str
    blurb_de: str
    artwork: str
    kinds: tuple[Kind, ...]


@lru_cache(maxsize=1)
def shelves() -> tuple[Shelf, ...]:
    """All top categories with their kinds."""
    entries = tomllib.loads(Path(__file__).with_name("shelves.toml").read_text("utf-8"))["shelf"]
    return tuple(
        Shelf(**entry, kinds=tuple(Kind(**kind) for kind in kinds))
        for entry in entries
        for kinds in [entry.pop("kind")]
    )
