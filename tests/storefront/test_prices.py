"""What things cost whom, and how amounts are written."""

from decimal import Decimal

import pytest
from django.test import Client
from django.utils import translation

from examples.storefront.catalogue.models import GroupPrice
from examples.storefront.catalogue.pricing import RETAIL, PriceList, price_list_for
from examples.storefront.money.currency import Currency

from .small_shop import Shop, log_in


def test_retail_pays_the_list_price() -> None:
    assert RETAIL.price(1, Decimal("19.99")) == Decimal("19.99")


@pytest.mark.parametrize(
    ("list_price", "percent", "own_price"),
    [("20.00", "15", "17.00"), ("0.99", "15", "0.84"), ("10.01", "12.5", "8.76")],
)
def test_a_discount_is_rounded_half_up(list_price: str, percent: str, own_price: str) -> None:
    prices = PriceList(Decimal(percent))
    assert prices.price(1, Decimal(list_price)) == Decimal(own_price)


def test_an_agreed_price_beats_the_discount() -> None:
    prices = PriceList(Decimal(15), {1: Decimal("11.00")})
    assert prices.price(1, Decimal("20.00")) == Decimal("11.00")


def test_nobody_pays_more_than_the_list_price() -> None:
    prices = PriceList(agreed={1: Decimal("25.00")})
    assert prices.price(1, Decimal("20.00")) == Decimal("20.00")


def test_one_query_for_a_whole_listing(shop: Shop, django_assert_num_queries: object) -> None:
    GroupPrice.objects.create(product=shop.product(), group=shop.trade, price=Decimal(9))
    with django_assert_num_queries(1):  # type: ignore[operator]
        prices = price_list_for(shop.trade)
        for number in range(18):
            prices.price(number, Decimal(10))


@pytest.mark.parametrize(
    ("language", "code", "written"),
    [
        ("en", "EUR", "€1,234.50"),
        ("en", "CHF", "CHF\N{NO-BREAK SPACE}1,234.50"),
        ("de", "EUR", "1.234,50\N{NO-BREAK SPACE}€"),
        ("de", "USD", "1.234,50\N{NO-BREAK SPACE}$"),
    ],
)
def test_amounts_are_written_as_the_language_does(language: str, code: str, written: str) -> None:
    with translation.override(language):
        assert Currency(code, Decimal(1)).write(Decimal("1234.5")) == written


def test_the_currency_is_switched_by_a_plain_link(shop: Shop, client: Client) -> None:
    page = shop.product().get_absolute_url()

    response = client.get(f"/en/currency/USD/?next={page}", follow=True)

    assert response.redirect_chain == [(page, 302)]
    assert "$22.00" in response.content.decode()
    assert "no-store" in client.get("/en/currency/USD/")["Cache-Control"]


def test_an_unknown_currency_is_refused(shop: Shop, client: Client) -> None:
    assert client.get("/en/currency/XXX/").status_code == 400
    client.cookies["currency"] = "XXX"
    assert "€20.00" in client.get(shop.product().get_absolute_url()).content.decode()


def test_trade_customers_see_their_price_and_others_do_not(shop: Shop, client: Client) -> None:
    shop.customer("trade@example.com", group=shop.trade)
    mug = shop.product()
    log_in(client, "trade@example.com")

    mine = client.get(mug.get_absolute_url()).content.decode()
    theirs = Client().get(mug.get_absolute_url()).content.decode()

    assert "€17.00" in mine
    assert "€17.00" not in theirs


def test_the_group_cookie_alone_buys_nothing(shop: Shop, client: Client) -> None:
    mug = shop.product()
    client.cookies["group"] = "1"

    assert "€17.00" not in client.get(mug.get_absolute_url()).content.decode()


def test_the_group_cookie_goes_with_its_customer(shop: Shop, client: Client) -> None:
    shop.customer("trade@example.com", group=shop.trade)
    log_in(client, "trade@example.com")
    assert client.cookies["group"].value == "1"

    client.post("/en/account/logout/")

    assert client.cookies["group"].value == ""
