"""The visitor's currency, from a cookie that is one of the shop's declared dimensions."""

from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from .currency import BASE, Currency
from .models import currencies

COOKIE = "currency"


def currency_of(request: HttpRequest) -> Currency:
    """The currency this visitor shops in; euro where the cookie names none that is sold in."""
    return _known(request).get(request.COOKIES.get(COOKIE, BASE.code), BASE)


def currency(request: HttpRequest) -> dict[str, Any]:
    """Context processor: ``currency`` and ``currencies``, looked up when a template asks."""
    return {
        "currency": SimpleLazyObject(lambda: currency_of(request)),
        "currencies": SimpleLazyObject(lambda: list(_known(request).values())),
    }


def _known(request: HttpRequest) -> Mapping[str, Currency]:
    """The currencies, read once a request."""
    known: Mapping[str, Currency] | None = getattr(request, "_currencies", None)
    if known is None:
        known = currencies()
        request._currencies = known  # type: ignore[attr-defined]
    return known
