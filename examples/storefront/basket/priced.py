"""A basket with its prices: the visitor's currency, the visitor's price list, what is in stock."""

from dataclasses import dataclass
from decimal import Decimal

from django.http import HttpRequest

from ..catalogue.cached import products
from ..catalogue.models import Product
from ..catalogue.pricing import PriceList, price_list_of
from ..money.context import currency_of
from ..money.currency import Currency
from .contents import Contents
from .store import basket_of


@dataclass(frozen=True)
class PricedLine:
    """One product of a basket. Amounts are in the basket's currency."""

    product: Product
    quantity: int
    unit_price: Decimal

    @property
    def total(self) -> Decimal:
        """What all pieces of the line cost."""
        return self.unit_price * self.quantity

    @property
    def is_short(self) -> bool:
        """Whether fewer are in stock than are wanted."""
        return self.product.stock < self.quantity


@dataclass(frozen=True)
class PricedBasket:
    """All lines and what they cost."""

    lines: tuple[PricedLine, ...]
    currency: Currency

    @property
    def total(self) -> Decimal:
        """What the basket costs."""
        return sum((line.total for line in self.lines), Decimal(0))

    @property
    def pieces(self) -> int:
        """How many pieces there are in all."""
        return sum(line.quantity for line in self.lines)

    @property
    def is_short(self) -> bool:
        """Whether something is not in stock as wanted."""
        return any(line.is_short for line in self.lines)


def price_basket(
    contents: Contents, products: dict[int, Product], prices: PriceList, currency: Currency
) -> PricedBasket:
    """Price what lies in a basket; products that are no longer sold are left out."""
    lines = tuple(
        PricedLine(product, quantity, currency.convert(prices.price(product.pk, product.price)))
        for product_id, quantity in contents.items()
        if (product := products.get(product_id)) is not None
    )
    return PricedBasket(lines, currency)


def priced_basket_of(request: HttpRequest) -> PricedBasket:
    """The visitor's basket, priced."""
    contents = basket_of(request).contents()
    currency = currency_of(request)
    if not contents:
        return PricedBasket((), currency)
    found = products.get_many(contents)
    sold = {key: product for key, product in found.items() if product.is_active}
    return price_basket(contents, sold, price_list_of(request), currency)
