"""What a visitor asked a listing for, pure: sort order and filters out of the query string."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from urllib.parse import urlencode

from django.utils.translation import gettext_lazy as _

from ..art.palette import COLOURS

PAGE_SIZE = 18
QUERY = ("q", "page", "sort", "colour", "price", "stock")
SORTS = {
    "popular": (_("Most loved"), ("-popularity", "pk")),
    "new": (_("Newest"), ("-introduced", "pk")),
    "cheap": (_("Price, low to high"), ("price", "pk")),
    "dear": (_("Price, high to low"), ("-price", "pk")),
    "rating": (_("Best reviewed"), ("-rating_average", "-rating_count", "pk")),
}
PRICE_BANDS: dict[str, tuple[Decimal | None, Decimal | None]] = {
    "to-25": (None, Decimal(25)),
    "25-60": (Decimal(25), Decimal(60)),
    "60-150": (Decimal(60), Decimal(150)),
    "from-150": (Decimal(150), None),
}


@dataclass(frozen=True)
class Listing:
    """Sort order and filters. What the query string says wrongly is as if it were not there."""

    words: str = ""
    sort: str = "popular"
    colour: str = ""
    price: str = ""
    stock: str = ""

    @classmethod
    def of(cls, query: Mapping[str, str]) -> "Listing":
        """From the parameters of a page."""
        return cls(
            words=" ".join(query.get("q", "").split())[:80],
            sort=_known(query.get("sort", ""), SORTS, "popular"),
            colour=_known(query.get("colour", ""), COLOURS, ""),
            price=_known(query.get("price", ""), PRICE_BANDS, ""),
            stock="1" if query.get("stock") == "1" else "",
        )

    @property
    def is_filtered(self) -> bool:
        """Whether something is left out by choice."""
        return bool(self.colour or self.price or self.stock)

    def query(self, **changes: str) -> str:
        """The query string of this listing with something changed, from its first page."""
        wanted = replace(self, **changes)
        pairs = [
            ("q", wanted.words),
            ("sort", "" if wanted.sort == "popular" else wanted.sort),
            ("colour", wanted.colour),
            ("price", wanted.price),
            ("stock", wanted.stock),
        ]
        return "?" + urlencode([pair for pair in pairs if pair[1]])


def _known(value: str, known: Mapping[str, object], default: str) -> str:
    return value if value in known else default
