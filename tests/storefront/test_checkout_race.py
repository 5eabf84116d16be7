"""Many customers want the last pieces at the same moment; also run on PostgreSQL."""

import threading
from collections.abc import Callable
from decimal import Decimal

import pytest
from django.db import connection

from examples.storefront.catalogue.models import Product
from examples.storefront.money.currency import BASE
from examples.storefront.orders.checkout import BasketIsEmpty, OutOfStock, place_order
from examples.storefront.orders.models import Order, OrderLine

from .small_shop import stock_shop
from .test_checkout import ADDRESS

CUSTOMERS = 10
PIECES = 4


def at_once(calls: list[Callable[[], object]]) -> list[object]:
    """Run all calls in threads that start together; what each gave or raised."""
    barrier = threading.Barrier(len(calls))
    results: list[object] = [None] * len(calls)

    def run(number: int, call: Callable[[], object]) -> None:
        try:
            barrier.wait(30)
            results[number] = call()
        except Exception as error:
            results[number] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(calls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return results


@pytest.mark.django_db(transaction=True)
def test_the_last_pieces_are_sold_once() -> None:
    shop = stock_shop()
    last = shop.product(stock=PIECES)
    customers = [shop.customer(f"c{number}@example.com") for number in range(CUSTOMERS)]
    for customer in customers:
        customer.basket_lines.create(product=last, quantity=1)

    results = at_once(
        [lambda who=who: place_order(who, ADDRESS, BASE, Decimal("20.00")) for who in customers]
    )

    placed = [result for result in results if isinstance(result, Order)]
    refused = [result for result in results if isinstance(result, OutOfStock)]
    assert (len(placed), len(refused)) == (PIECES, CUSTOMERS - PIECES), results
    assert Product.objects.get(pk=last.pk).stock == 0
    assert OrderLine.objects.filter(product=last).count() == PIECES


@pytest.mark.django_db(transaction=True)
def test_baskets_in_opposite_order_do_not_wait_for_each_other() -> None:
    shop = stock_shop()
    one, two = shop.product(stock=50), shop.product(stock=50)
    customers = [shop.customer(f"c{number}@example.com") for number in range(6)]
    for number, customer in enumerate(customers):
        for product in (one, two) if number % 2 else (two, one):
            customer.basket_lines.create(product=product, quantity=1)

    results = at_once(
        [lambda who=who: place_order(who, ADDRESS, BASE, Decimal("40.00")) for who in customers]
    )

    assert all(isinstance(result, Order) for result in results), results


@pytest.mark.django_db(transaction=True)
def test_one_customer_pressing_twice_orders_once() -> None:
    shop = stock_shop()
    customer = shop.customer()
    customer.basket_lines.create(product=shop.product(), quantity=1)

    results = at_once([lambda: place_order(customer, ADDRESS, BASE, Decimal("20.00"))] * 4)

    placed = [result for result in results if isinstance(result, Order)]
    empty = [result for result in results if isinstance(result, BasketIsEmpty)]
    assert (len(placed), len(empty)) == (1, 3), results
