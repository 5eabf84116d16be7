"""Orders: what they hold, and that nothing happens where one cannot be placed."""

from decimal import Decimal

import pytest
from django.test import Client

from examples.storefront.catalogue.models import GroupPrice
from examples.storefront.money.currency import BASE, Currency
from examples.storefront.orders.checkout import (
    BasketIsEmpty,
    OutOfStock,
    PriceChanged,
    place_order,
)
from examples.storefront.orders.models import Order

from .small_shop import Shop, add, log_in

ADDRESS = {
    "name": "Ada L",
    "street": "Quay 4",
    "postcode": "24103",
    "city": "Kiel",
    "country": "DE",
}
DOLLAR = Currency("USD", Decimal("1.10"))


def test_an_order_takes_stock_and_empties_the_basket(shop: Shop) -> None:
    customer, mug = shop.customer(), shop.product(stock=10)
    customer.basket_lines.create(product=mug, quantity=3)

    order = place_order(customer, ADDRESS, BASE, Decimal("60.00"))

    mug.refresh_from_db()
    line = order.lines.get()
    assert (mug.stock, customer.basket_lines.count()) == (7, 0)
    assert (line.name, line.quantity, line.unit_price) == ("Mug 1", 3, Decimal("20.00"))
    assert order.total == Decimal("60.00")


def test_in_another_currency_the_sum_is_that_of_its_rounded_prices(shop: Shop) -> None:
    customer = shop.customer()
    customer.basket_lines.create(product=shop.product(price=Decimal("0.95")), quantity=3)

    order = place_order(customer, ADDRESS, DOLLAR, Decimal("3.15"))  # 1.045 is 1.05, three times

    assert (order.currency_code, order.total) == ("USD", Decimal("3.15"))


def test_group_prices_hold_at_the_checkout(shop: Shop) -> None:
    customer = shop.customer(group=shop.trade)
    plain, agreed = shop.product(), shop.product()
    GroupPrice.objects.create(product=agreed, group=shop.trade, price=Decimal("11.00"))
    customer.basket_lines.create(product=plain, quantity=1)
    customer.basket_lines.create(product=agreed, quantity=1)

    order = place_order(customer, ADDRESS, BASE, Decimal("28.00"))

    assert sorted(line.unit_price for line in order.lines.all()) == [11, 17]


def test_too_little_stock_changes_nothing(shop: Shop) -> None:
    customer, scarce, plenty = shop.customer(), shop.product(stock=1), shop.product(stock=10)
    customer.basket_lines.create(product=plenty, quantity=1)
    customer.basket_lines.create(product=scarce, quantity=2)

    with pytest.raises(OutOfStock) as refused:
        place_order(customer, ADDRESS, BASE, Decimal("60.00"))

    plenty.refresh_from_db()
    assert [line.product.pk for line in refused.value.lines] == [scarce.pk]
    assert (plenty.stock, Order.objects.count(), customer.basket_lines.count()) == (10, 0, 2)


def test_a_price_that_changed_is_shown_before_it_is_charged(shop: Shop) -> None:
    customer, mug = shop.customer(), shop.product()
    customer.basket_lines.create(product=mug, quantity=1)
    mug.price = Decimal("25.00")
    mug.save()

    with pytest.raises(PriceChanged):
        place_order(customer, ADDRESS, BASE, Decimal("20.00"))

    assert Order.objects.count() == 0


def test_an_empty_basket_is_no_order(shop: Shop) -> None:
    with pytest.raises(BasketIsEmpty):
        place_order(shop.customer(), ADDRESS, BASE, Decimal(0))


def test_products_that_are_not_sold_any_more_are_not_ordered(shop: Shop) -> None:
    customer = shop.customer()
    customer.basket_lines.create(product=shop.product(is_active=False), quantity=1)

    with pytest.raises(BasketIsEmpty):
        place_order(customer, ADDRESS, BASE, Decimal("20.00"))


def test_the_whole_way_through_the_pages(shop: Shop, client: Client) -> None:
    shop.customer()
    log_in(client)
    add(client, shop.product(), 2)
    page = client.get("/en/orders/checkout/")
    assert 'name="shown_total" value="40.00"' in page.content.decode()

    response = client.post("/en/orders/checkout/", ADDRESS | {"shown_total": "40.00"}, follow=True)

    order = Order.objects.get()
    assert response.redirect_chain == [(f"/en/orders/{order.pk}/", 302)]
    assert f"Order {order.number} is placed" in response.content.decode()
    assert order.number in client.get("/en/orders/").content.decode()


def test_a_form_sent_twice_is_one_order(shop: Shop, client: Client) -> None:
    shop.customer()
    log_in(client)
    add(client, shop.product())
    form = ADDRESS | {"shown_total": "20.00"}
    client.post("/en/orders/checkout/", form)

    again = client.post("/en/orders/checkout/", form)

    assert again["Location"] == "/en/orders/"
    assert Order.objects.count() == 1


def test_a_wrong_address_is_named_beside_its_field(shop: Shop, client: Client) -> None:
    shop.customer()
    log_in(client)
    add(client, shop.product())

    page = client.post("/en/orders/checkout/", ADDRESS | {"city": "", "shown_total": "20.00"})

    html = page.content.decode()
    assert Order.objects.count() == 0
    assert 'id="id_city_error"' in html
    assert 'aria-invalid="true"' in html


def test_orders_are_their_customers_own(shop: Shop, client: Client) -> None:
    owner = shop.customer()
    owner.basket_lines.create(product=shop.product(), quantity=1)
    order = place_order(owner, ADDRESS, BASE, Decimal("20.00"))
    shop.customer("eve@example.com")
    log_in(client, "eve@example.com")

    assert client.get(order.get_absolute_url()).status_code == 404


def test_visitors_log_in_first_and_come_back(shop: Shop, client: Client) -> None:
    response = client.get("/en/orders/checkout/")

    assert response["Location"] == "/en/account/login/?next=/en/orders/checkout/"
