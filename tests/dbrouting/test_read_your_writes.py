"""A visitor reads what they wrote, whatever replication does; and not so with the feature off."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from asgiref.sync import sync_to_async
from django.db import connections, transaction
from django.test import AsyncClient, Client

from dbrouting import mark_written, metrics, pin_token, primary_reads, unit_of_work
from dbrouting.conf import get_settings
from tests.dbrouting.servers import Shop, forget_everything, name_of
from tests.dbrouting.shop.models import Product

PAIRS = [
    pytest.param(300, id="short"),
    pytest.param(20_000, id="long", marks=[pytest.mark.full, pytest.mark.timeout(900)]),
]


@pytest.fixture(autouse=True)
def _paused_nodes_stay(dbrouting_settings):
    """Positions alone must do it: no node is out for its lag."""
    dbrouting_settings(MAX_LAG_SECONDS=3600)


@contextmanager
def restless_replication(shop: Shop) -> Iterator[None]:
    """The first replica pauses and resumes, the second lags; all of it again and again."""
    ended = threading.Event()

    def pause_and_resume() -> None:
        while not ended.is_set():
            shop.replicas[0].pause_replay()
            ended.wait(0.1)
            shop.replicas[0].resume_replay()
            ended.wait(0.1)

    def lag(delay: str) -> None:
        shop.replicas[1].query(f"ALTER SYSTEM SET recovery_min_apply_delay = '{delay}'")
        shop.replicas[1].query("SELECT pg_reload_conf()")

    lag("20ms")
    thread = threading.Thread(target=pause_and_resume)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
        lag("0")


def violations(pairs: int, product: Product, carry: Callable[[], str | None]) -> int:
    """How often a read after a write of the same visitor missed the write.

    Every write and every read is a unit of work of its own, as in two requests.
    """
    missed = 0
    for number in range(1, pairs + 1):
        with unit_of_work():
            Product.objects.filter(pk=product.pk).update(stock=number)
            token = carry()
        with unit_of_work(token):
            seen = Product.objects.values_list("stock", flat=True).get(pk=product.pk)
        missed += seen != number
    return missed


def served_by_replicas(shop: Shop) -> float:
    return sum(metrics.value(metrics.QUERIES, node=name_of(node)) for node in shop.replicas)


@pytest.mark.parametrize("pairs", PAIRS)
def test_no_write_is_missed_while_replay_pauses_lags_and_resumes(shop, pairs):
    [product] = shop.stock_up(1)
    before = served_by_replicas(shop)

    with restless_replication(shop):
        missed = violations(pairs, product, carry=pin_token)

    assert missed == 0
    # Not because the primary served them all.
    assert served_by_replicas(shop) > before


@pytest.mark.parametrize("pairs", PAIRS)
def test_no_write_is_missed_from_many_threads(shop, pairs):
    products = shop.stock_up(4)
    missed = []

    def visitor(product: Product) -> None:
        try:
            missed.append(violations(pairs // 4, product, carry=pin_token))
        finally:
            connections.close_all()

    with restless_replication(shop):
        threads = [threading.Thread(target=visitor, args=[product]) for product in products]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert missed == [0, 0, 0, 0]


def test_writes_are_missed_with_the_feature_off(shop):
    """The same pairs without a pin: the test above would notice."""
    [product] = shop.stock_up(1)

    with restless_replication(shop):
        missed = violations(100, product, carry=lambda: None)

    assert missed > 0


def test_a_browser_reads_its_order_with_replay_paused(shop):
    [product] = shop.stock_up(1)
    for node in shop.replicas:
        node.pause_replay()
    visitor, other = Client(), Client()

    visitor.get(f"/buy/{product.pk}", {"stock": 77})

    assert visitor.get(f"/show/{product.pk}").json() == {"stock": 77, "nodes": ["primary"]}
    assert other.get(f"/show/{product.pk}").json()["stock"] == product.stock
    for node in shop.replicas:
        node.resume_replay()
    shop.wait_until_replayed()
    shown = visitor.get(f"/show/{product.pk}").json()
    assert shown["stock"] == 77
    assert shown["nodes"] != ["primary"]


def test_a_replica_that_has_replayed_serves_although_another_has_not(shop):
    [product] = shop.stock_up(1)
    shop.replicas[0].pause_replay()
    visitor = Client()

    visitor.get(f"/buy/{product.pk}", {"stock": 5})
    shop.replicas[1].wait_until_replayed(shop.primary.current_lsn())

    for _ in range(10):
        assert visitor.get(f"/show/{product.pk}").json() == {"stock": 5, "nodes": ["replica2"]}


def test_async_views_carry_the_pin_too(shop):
    [product] = shop.stock_up(1)
    for node in shop.replicas:
        node.pause_replay()
    visitor = AsyncClient()

    async def buy_and_look() -> tuple[dict, dict]:
        bought = await visitor.get(f"/buy-async/{product.pk}", {"stock": 12})
        shown = await visitor.get(f"/show-async/{product.pk}")
        await sync_to_async(connections.close_all)()
        return bought.json(), shown.json()

    bought, shown = asyncio.run(buy_and_look())

    assert bought == {"after": "default"}
    assert shown["stock"] == 12
    assert get_settings().pin_cookie in visitor.cookies


def test_a_streamed_body_reads_the_visitors_writes(shop):
    """The second pass is one: its fragments are rendered while they are sent."""
    [product] = shop.stock_up(1)
    for node in shop.replicas:
        node.pause_replay()
    visitor, other = Client(), Client()
    visitor.get(f"/buy/{product.pk}", {"stock": 64})

    assert visitor.get(f"/stream/{product.pk}").getvalue() == b"stock 64"
    assert other.get(f"/stream/{product.pk}").getvalue() == b"stock 0"


def test_a_body_streamed_asynchronously_does_too(shop):
    [product] = shop.stock_up(1)
    for node in shop.replicas:
        node.pause_replay()
    visitor = AsyncClient()

    async def buy_and_look() -> bytes:
        await visitor.get(f"/buy-async/{product.pk}", {"stock": 65})
        response = await visitor.get(f"/stream-async/{product.pk}")
        body = b"".join([part async for part in response])
        await sync_to_async(connections.close_all)()
        return body

    assert asyncio.run(buy_and_look()) == b"stock 65"


def test_the_pin_works_in_another_process(shop):
    """What one process knows about nodes is no part of it: all is in the cookie."""
    [product] = shop.stock_up(1)
    for node in shop.replicas:
        node.pause_replay()
    visitor = Client()
    visitor.get(f"/buy/{product.pk}", {"stock": 9})

    forget_everything()

    assert visitor.get(f"/show/{product.pk}").json()["stock"] == 9


def test_the_session_carries_the_pin_to_a_device_without_the_cookie(shop):
    [product] = shop.stock_up(1)
    visitor = Client()
    visitor.get("/log-in", {"stock": 1})
    for node in shop.replicas:
        node.pause_replay()
    visitor.get("/log-in", {"stock": 31})
    del visitor.cookies[get_settings().pin_cookie]

    assert visitor.get(f"/show/{product.pk}").json()["stock"] == 31


def test_reads_after_a_write_of_the_same_request_stay_on_the_primary(shop):
    [product] = shop.stock_up(1)

    assert Client().get(f"/buy/{product.pk}", {"stock": 3}).json() == {"after": "default"}


def test_who_only_reads_gets_no_cookie_and_no_vary(shop):
    [product] = shop.stock_up(1)

    response = Client().get(f"/show/{product.pk}")

    assert response.cookies == {}
    assert not response.has_header("Vary")


def test_untracked_writes_pin_nobody(shop):
    [product] = shop.stock_up(1)

    assert Client().get(f"/count/{product.pk}").cookies == {}


@pytest.mark.parametrize("value", ["0/5", "FFFFFFFF/FFFFFFFF:x:y", "garbage", "0/5:1vM5Xa:forged"])
def test_a_forged_cookie_pins_nothing_and_is_counted(shop, value):
    [product] = shop.stock_up(1)
    visitor = Client()
    visitor.cookies[get_settings().pin_cookie] = value
    before = metrics.value(metrics.BAD_PINS)

    assert visitor.get(f"/show/{product.pk}").json()["nodes"] != ["primary"]
    assert metrics.value(metrics.BAD_PINS) == before + 1


def test_outside_a_unit_of_work_the_position_decides(shop):
    [product] = shop.stock_up(1)
    for node in shop.replicas:
        node.pause_replay()

    with transaction.atomic():
        Product.objects.filter(pk=product.pk).update(stock=41)

    assert Product.objects.get(pk=product.pk).stock == 41


def test_what_is_written_past_the_orm_can_be_marked(shop):
    [product] = shop.stock_up(1)
    for node in shop.replicas:
        node.pause_replay()
    shop.primary.query(f"UPDATE shop_product SET stock = 8 WHERE id = {product.pk}", "shop")

    with unit_of_work():
        mark_written()
        token = pin_token()

    with unit_of_work(token):
        assert Product.objects.get(pk=product.pk).stock == 8


def test_raw_sql_counts_as_a_write(shop):
    [product] = shop.stock_up(1)
    for node in shop.replicas:
        node.pause_replay()

    with unit_of_work():
        with connections["default"].cursor() as cursor:
            cursor.execute("WITH x AS (UPDATE shop_product SET stock = 6 RETURNING 1) SELECT 1")
        token = pin_token()

    with unit_of_work(token):
        assert Product.objects.get(pk=product.pk).stock == 6


def test_when_the_primary_cannot_say_reads_stay_on_it(shop, monkeypatch):
    [product] = shop.stock_up(1)
    with unit_of_work():
        Product.objects.filter(pk=product.pk).update(stock=2)
        monkeypatch.setattr("dbrouting.primary._LSN_SQL", "SELECT no_such_function()")
        token = pin_token()

    with unit_of_work(token):
        assert Product.objects.get(pk=product.pk).stock == 2
        with connections["replica"].cursor() as cursor:
            cursor.execute("SELECT pg_is_in_recovery()")
            assert cursor.fetchone() == (False,)


def test_a_block_can_ask_for_the_primary(shop):
    shop.stock_up(1)

    with primary_reads():
        assert Product.objects.all().db == "default"
