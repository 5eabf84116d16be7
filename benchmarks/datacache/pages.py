"""The pages that are rebuilt: every product, in five variants."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from django.utils import translation

from examples.storefront.catalogue.models import Product
from origin.datacache.rebuild import Page

BASE = "http://127.0.0.1"
VARIANTS = (("en", "EUR"), ("de", "EUR"), ("en", "USD"), ("en", "GBP"), ("en", "CHF"))
"""Language and currency: 2,000 products make 10,000 pages."""


def product_pages(limit: int, step: int = 1) -> list[Page]:
    """The first `limit` of them; every `step`-th of those, of all variants alike."""
    return list(islice(_pages(), 0, limit, step))


def _pages() -> Iterator[Page]:
    listed = list(Product.objects.listed().only("pk", "slug").order_by("pk"))
    for language, currency in VARIANTS:
        for product in listed:
            with translation.override(language):
                path = product.get_absolute_url()
            cookies = {} if currency == "EUR" else {"currency": currency}
            yield Page(BASE + path, product.pk, (f"product:{product.pk}",), cookies)
