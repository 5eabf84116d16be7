"""``{{ product.price|money:currency }}``: an amount in euro, in the visitor's currency."""

from decimal import Decimal

from django import template

from ..currency import Currency

register = template.Library()


@register.filter
def money(euro: Decimal, currency: Currency) -> str:
    """Convert an amount in euro and write it."""
    return currency.write(currency.convert(euro))


@register.filter
def written(amount: Decimal, currency: Currency) -> str:
    """Write an amount that is in ``currency`` already."""
    return currency.write(amount)
