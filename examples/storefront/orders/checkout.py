"""Placing an order: stock is taken and the order written, or nothing happens at all."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from django.db import transaction

from ..accounts.models import Customer
from ..basket.models import BasketLine
from ..basket.priced import PricedBasket, PricedLine, price_basket
from ..catalogue.models import Product
from ..catalogue.pricing import price_list_for
from ..money.currency import Currency
from .models import Order, OrderLine


class NotPlaced(Exception):
    """The order was not placed, and nothing was changed."""


class BasketIsEmpty(NotPlaced):
    """There is nothing to order; perhaps it was ordered a moment ago."""


@dataclass(eq=False)
class OutOfStock(NotPlaced):
    """Somebody was faster, or the basket is old."""

    lines: tuple[PricedLine, ...]


@dataclass(eq=False)
class PriceChanged(NotPlaced):
    """The basket does not cost what the customer was shown."""

    shown: Decimal
    basket: PricedBasket


def place_order(
    customer: Customer, address: Mapping[str, str], currency: Currency, shown_total: Decimal
) -> Order:
    """Turn the customer's basket into an order and take its stock, all or nothing.

    Raises BasketIsEmpty, OutOfStock or PriceChanged.
    """
    with transaction.atomic():
        basket = _locked_basket(customer, currency)
        if not basket.lines:
            raise BasketIsEmpty
        if basket.is_short:
            raise OutOfStock(tuple(line for line in basket.lines if line.is_short))
        if basket.total != shown_total:
            raise PriceChanged(shown_total, basket)
        order = _write(customer, address, basket)
        for line in basket.lines:
            _take_stock(line.product, line.quantity)
        customer.basket_lines.all().delete()
    return order


def _locked_basket(customer: Customer, currency: Currency) -> PricedBasket:
    """The basket with its lines and products locked.

    Lines first, so that a form sent twice finds an empty basket the second time; products in
    the order of their keys, so that two checkouts never wait for each other.
    """
    lines = BasketLine.objects.select_for_update().filter(customer=customer)
    contents = dict(lines.values_list("product_id", "quantity"))
    locked = Product.objects.listed().select_for_update().filter(pk__in=contents).order_by("pk")
    products = {product.pk: product for product in locked}
    return price_basket(contents, products, price_list_for(customer.group), currency)


def _write(customer: Customer, address: Mapping[str, str], basket: PricedBasket) -> Order:
    order = Order.objects.create(
        customer=customer,
        currency_code=basket.currency.code,
        rate=basket.currency.rate,
        total=basket.total,
        **address,
    )
    OrderLine.objects.bulk_create(
        OrderLine(
            order=order,
            product=line.product,
            sku=line.product.sku,
            name=line.product.title,
            artwork=line.product.artwork,
            quantity=line.quantity,
            unit_price=line.unit_price,
        )
        for line in basket.lines
    )
    return order


def _take_stock(product: Product, quantity: int) -> None:
    """Saved, not updated in the database alone, so that pages that show the stock are purged."""
    product.stock -= quantity
    product.save(update_fields=["stock"])
