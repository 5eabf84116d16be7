"""What staff change is on the next page: rows say which pages show them."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from examples.storefront.blog.models import Post
from examples.storefront.catalogue.models import Category, GroupPrice, Product
from examples.storefront.money.models import ExchangeRate

from .small_shop import Shop, log_in

Commit = Callable[..., Any]


@pytest.fixture(autouse=True)
def _keep_shells(settings: Any) -> None:
    """Pages are kept, as in production; only here, since nothing else would show a purge."""
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
    cache.clear()


def text_of(client: Client, url: str) -> str:
    """The page, asked for by a visitor who was never here."""
    response = client.get(url)
    assert response.status_code == 200
    return str(response.content.decode())


def test_pages_are_kept_at_all(shop: Shop, client: Client) -> None:
    """What makes the other tests of this file mean something."""
    mug = shop.product()
    text_of(client, mug.get_absolute_url())
    # behind the shop's back: no save, no signal, no queryset of ours
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("UPDATE catalogue_product SET price = 99 WHERE id = %s", [mug.pk])

    assert "€20.00" in text_of(client, mug.get_absolute_url())


@pytest.mark.parametrize("url", ["/en/p/mug-1/", "/en/c/mugs/", "/en/search/?q=mug", "/en/"])
def test_a_price_on_every_page_that_shows_it(
    shop: Shop, client: Client, url: str, django_capture_on_commit_callbacks: Commit
) -> None:
    mug = shop.product()
    assert "€20.00" in text_of(client, url)

    with django_capture_on_commit_callbacks(execute=True):
        mug.price = Decimal("23.00")
        mug.save()

    page = text_of(client, url)
    assert "€23.00" in page
    assert "€20.00" not in page


def test_an_update_of_many(
    shop: Shop, client: Client, django_capture_on_commit_callbacks: Commit
) -> None:
    shop.product()
    text_of(client, "/en/c/mugs/")

    with django_capture_on_commit_callbacks(execute=True):
        Product.objects.filter(colour="moss").update(stock=0)

    assert "Sold out" in text_of(client, "/en/c/mugs/")


def test_a_new_product_on_its_shelf_and_those_above(
    shop: Shop, client: Client, django_capture_on_commit_callbacks: Commit
) -> None:
    text_of(client, "/en/c/lighting/")

    with django_capture_on_commit_callbacks(execute=True):
        shop.product(name="New lamp", category=shop.lamps)

    assert "New lamp" in text_of(client, "/en/c/lighting/")


def test_a_shelf_renamed_in_everybodys_navigation(
    shop: Shop, client: Client, django_capture_on_commit_callbacks: Commit
) -> None:
    text_of(client, "/en/about/")

    with django_capture_on_commit_callbacks(execute=True):
        shelf = Category.objects.get(path="mugs")
        shelf.name = "Cups"
        shelf.save()

    assert ">Cups</a>" in text_of(client, "/en/about/")


def test_an_exchange_rate(
    shop: Shop, client: Client, django_capture_on_commit_callbacks: Commit
) -> None:
    mug = shop.product()
    client.cookies["currency"] = "USD"
    assert "$22.00" in text_of(client, mug.get_absolute_url())

    with django_capture_on_commit_callbacks(execute=True):
        rate = ExchangeRate.objects.get(code="USD")
        rate.rate = Decimal("1.20000")
        rate.save()

    assert "$24.00" in text_of(client, mug.get_absolute_url())


def test_a_group_price_and_a_group_discount(
    shop: Shop, client: Client, django_capture_on_commit_callbacks: Commit
) -> None:
    shop.customer("trade@example.com", group=shop.trade)
    mug = shop.product()
    log_in(client, "trade@example.com")
    assert "€17.00" in text_of(client, mug.get_absolute_url())

    with django_capture_on_commit_callbacks(execute=True):
        shop.trade.discount_percent = Decimal(20)
        shop.trade.save()
    assert "€16.00" in text_of(client, mug.get_absolute_url())

    with django_capture_on_commit_callbacks(execute=True):
        GroupPrice.objects.create(product=mug, group=shop.trade, price=Decimal("12.50"))
    assert "€12.50" in text_of(client, mug.get_absolute_url())


def test_a_post_in_the_journal(
    shop: Shop, client: Client, django_capture_on_commit_callbacks: Commit
) -> None:
    text_of(client, "/en/journal/")

    with django_capture_on_commit_callbacks(execute=True):
        Post.objects.create(
            slug="clay",
            title="On clay",
            teaser="Mud.",
            body="More mud.",
            author="Ida",
            artwork="vase/rust-1",
            published=timezone.now(),
        )

    assert "On clay" in text_of(client, "/en/journal/")


def test_a_review_and_its_stars(
    shop: Shop, client: Client, django_capture_on_commit_callbacks: Commit
) -> None:
    shop.customer()
    mug = shop.product()
    visitor = Client()
    assert "No reviews yet" in text_of(visitor, mug.get_absolute_url())
    log_in(client)

    with django_capture_on_commit_callbacks(execute=True):
        form = {"stars": 4, "title": "Good", "body": "Holds tea."}
        client.post(f"/en/p/{mug.slug}/review/", form)

    page = text_of(visitor, mug.get_absolute_url())
    assert "Holds tea." in page
    assert "4.0 of 5 stars" in page
