"""What a product costs whom: list price, group discount, or the price agreed with the group."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal

from django.http import HttpRequest

from ..accounts.models import CustomerGroup
from ..money.currency import CENT
from .models import GroupPrice


@dataclass(frozen=True)
class PriceList:
    """The prices of one customer group; the default is everybody's. Amounts are in euro."""

    discount_percent: Decimal = Decimal(0)
    agreed: Mapping[int, Decimal] = field(default_factory=dict)

    def price(self, product_id: int, list_price: Decimal) -> Decimal:
        """What this group pays for one piece, never more than the list price."""
        if product_id in self.agreed:
            return min(self.agreed[product_id], list_price)
        share = 1 - self.discount_percent / 100
        return (list_price * share).quantize(CENT, ROUND_HALF_UP)


RETAIL = PriceList()


def price_list_for(group: CustomerGroup | None) -> PriceList:
    """The prices of a group."""
    if group is None:
        return RETAIL
    agreed = dict(GroupPrice.objects.filter(group=group).values_list("product_id", "price"))
    return PriceList(group.discount_percent, agreed)


def price_list_of(request: HttpRequest) -> PriceList:
    """The prices of the visitor, read once a request."""
    known: PriceList | None = getattr(request, "_price_list", None)
    if known is None:
        group = request.user.group if request.user.is_authenticated else None
        known = price_list_for(group)
        request._price_list = known  # type: ignore[attr-defined]
    return known
