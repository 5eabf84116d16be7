"""The links beside a listing: sort orders, colours, prices, stock."""

from collections.abc import Iterator
from dataclasses import dataclass

from django.utils.translation import gettext as _

from ..art.palette import COLOURS
from ..money.currency import Currency
from .listing import PRICE_BANDS, SORTS, Listing


@dataclass(frozen=True)
class Choice:
    """One link; following an active one takes the filter off."""

    label: str
    query: str
    is_active: bool
    swatch: str = ""


def sort_choices(listing: Listing) -> Iterator[Choice]:
    """Every sort order."""
    for code, (label, _order) in SORTS.items():
        yield Choice(str(label), listing.query(sort=code), listing.sort == code)


def colour_choices(listing: Listing) -> Iterator[Choice]:
    """Every colour the shop works in."""
    for colour in COLOURS.values():
        active = listing.colour == colour.code
        query = listing.query(colour="" if active else colour.code)
        yield Choice(str(colour.name), query, active, colour.base)


def price_choices(listing: Listing, currency: Currency) -> Iterator[Choice]:
    """Bands of prices, in the visitor's currency."""
    for code, (low, high) in PRICE_BANDS.items():
        active = listing.price == code
        values = {
            "low": currency.write(currency.convert(low)) if low else "",
            "high": currency.write(currency.convert(high)) if high else "",
        }
        if not low:
            label = _("up to %(high)s") % values
        elif not high:
            label = _("from %(low)s") % values
        else:
            label = _("%(low)s to %(high)s") % values
        yield Choice(label, listing.query(price="" if active else code), active)


def stock_choice(listing: Listing) -> Choice:
    """Only what can be sent now."""
    active = bool(listing.stock)
    return Choice(_("In stock only"), listing.query(stock="" if active else "1"), active)
