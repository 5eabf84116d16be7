"""The pages of the catalogue, for ``manage.py rebuild_cache``."""

from collections.abc import Iterator, Sequence

from django.conf import settings
from django.utils import translation

from origin.datacache.rebuild import Page, page_source

from .cached import categories, collections, keys, products, reviews
from .models import Category, Product


def warm(pages: Sequence[Page]) -> None:
    """Load the data of some product pages in five queries."""
    numbers = dict.fromkeys(page.key for page in pages)
    found = products.get_many(numbers)
    reviews.get_many(numbers)
    keys.get_many(product.slug for product in found.values())
    categories.get_many(product.category_id for product in found.values())
    collections.get_many(product.collection_id for product in found.values())


@page_source("categories")
def category_pages() -> Iterator[Page]:
    """Each shelf in each language."""
    for shelf in Category.objects.all():
        for path in _paths(shelf):
            yield Page(path, shelf.pk, (f"category:{shelf.pk}",))


@page_source("products", after=("categories",), preload=warm)
def product_pages() -> Iterator[Page]:
    """Each product in each language."""
    for product in Product.objects.listed().only("pk", "slug"):
        for path in _paths(product):
            yield Page(path, product.pk, (f"product:{product.pk}",))


def _paths(shown: Category | Product) -> list[str]:
    """Its addresses. Whoever takes pages one by one keeps a language of their own."""
    found = []
    for language, _ in settings.LANGUAGES:
        with translation.override(language):
            found.append(shown.get_absolute_url())
    return found
