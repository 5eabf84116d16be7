"""Several processes: what one of them learns of a visitor, no other may contradict."""

from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest

from tests.end_to_end.shopper import Shopper, links_on, products_on
from tests.end_to_end.stack import Stack


@pytest.fixture(scope="module")
def workers(stack_factory: Callable[..., Stack]) -> Stack:
    """One edge with three workers on one port."""
    return stack_factory(edge_options=("--workers", "3"))


@pytest.fixture(scope="module")
def nodes(stack_factory: Callable[..., Stack]) -> Stack:
    """Two edges that share nothing but the origin."""
    return stack_factory(edges=2)


def test_a_basket_filled_on_one_worker_is_full_on_the_next(workers: Stack) -> None:
    """Each request on a connection of its own, so that all workers take part."""
    with Shopper(workers.edge, "Sagitta") as shopper:
        shopper.client.headers["Connection"] = "close"
        shopper.sign_up()
        listing = links_on(shopper.see("/en/").response.text, "c")[0]
        for_sale = products_on(shopper.see(listing).response.text)
        for number in range(15):
            shopper.add(listing, for_sale[number % len(for_sale)])
            for path in (listing, "/en/", listing, "/en/"):
                shopper.see(path)


def test_all_workers_take_part_and_report(workers: Stack) -> None:
    for _ in range(60):
        httpx.get(workers.edge + "/en/", headers={"Connection": "close"})
    with workers.admin() as admin:
        status = admin.get("/status").json()

    assert status["ready"]
    assert len(status["processes"]) == 3


def test_a_purge_reaches_every_worker(workers: Stack) -> None:
    for _ in range(30):
        httpx.get(workers.edge + "/en/", headers={"Connection": "close"})
    with workers.admin() as admin:
        receipt = admin.post("/purge", json={"all": True}).json()
        assert receipt["complete"]
        assert len(receipt["applied"]) == 3
        ages = [
            int(
                httpx.get(workers.edge + "/en/", headers={"Connection": "close"}).headers.get(
                    "age", 0
                )
            )
            for _ in range(12)
        ]

    assert max(ages) <= 5


def test_a_worker_that_dies_is_replaced(workers: Stack) -> None:
    import os
    import signal
    import time
    from pathlib import Path

    children = [
        int(stat.parent.name)
        for stat in Path("/proc").glob("[0-9]*/stat")
        if _parent(stat) == workers.edges[0].pid
    ]
    assert len(children) >= 3
    os.kill(children[0], signal.SIGKILL)
    deadline = time.monotonic() + 30
    with workers.admin() as admin:
        while True:
            assert (
                httpx.get(workers.edge + "/en/", headers={"Connection": "close"}).status_code == 200
            )
            health = admin.get("/health")
            if health.status_code == 200 and time.monotonic() > deadline - 28:
                break
            assert time.monotonic() < deadline
            time.sleep(0.1)


def _parent(stat: object) -> int:
    try:
        return int(stat.read_text().rpartition(")")[2].split()[1])  # type: ignore[attr-defined]
    except OSError:
        return 0


def test_a_visitor_who_changes_nodes_sees_their_own_changes(nodes: Stack) -> None:
    with Shopper(nodes.urls[0], "Tucana") as here, Shopper(nodes.urls[1], "Tucana") as there:
        here.sign_up()
        there.signed_in = True
        listing = links_on(here.see("/en/").response.text, "c")[0]
        for_sale = products_on(here.see(listing).response.text)
        for number in range(10):
            one, other = (here, there) if number % 2 else (there, here)
            _move(other, one)
            one.add(listing, for_sale[number])
            _move(one, other)
            other.pieces = one.pieces
            other.see(listing)
            one.see(listing)


def _move(source: Shopper, target: Shopper) -> None:
    """The same browser, another node."""
    target.client.cookies.clear()
    for cookie in source.client.cookies.jar:
        target.client.cookies.set(cookie.name, cookie.value or "")


def test_a_price_change_purges_both_nodes(nodes: Stack) -> None:
    from tests.end_to_end.test_shop import STAFF, admin_form

    with Shopper(nodes.urls[0]) as staff:
        category = links_on(staff.get("/en/").response.text, "c")[1]
        for url in nodes.urls:
            Shopper(url).see(category)
        pk = products_on(staff.get(category).response.text)[0]
        login = "/admin/login/?next=/admin/"
        form = {"username": STAFF[0], "password": STAFF[1], "next": "/admin/"}
        assert staff.submit(login, login, **form).status_code == 302
        change = f"/admin/catalogue/product/{pk}/change/"
        data = admin_form(staff.client.get(change).text) | {"price": "543.00"}
        answer = staff.client.post(change, data=data, headers={"Referer": nodes.urls[0] + change})
        assert answer.status_code == 302
        for url in nodes.urls:
            assert "543.00" in Shopper(url).see(category).response.text
