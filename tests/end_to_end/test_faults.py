"""What is left when parts are gone."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator

import httpx
import pytest

from tests.end_to_end.shopper import Shopper, links_on, products_on
from tests.end_to_end.stack import Stack


@pytest.fixture(scope="module")
def fragile(stack_factory: Callable[..., Stack]) -> Stack:
    """A stack of this module's own, to break."""
    return stack_factory()


@pytest.fixture
def broken(fragile: Stack) -> Iterator[Stack]:
    """The stack, warm; its origin is up again afterwards."""
    home = Shopper(fragile.edge).see("/en/")
    for banner in ("a", "b"):  # of the home page, whichever a visitor draws later
        for path in [*links_on(home.response.text, "c")[:3], "/en/"]:
            shopper = Shopper(fragile.edge)
            shopper.client.cookies.set("ab_banner", banner)
            shopper.see(path)
            shopper.see(path)
    yield fragile
    fragile.origin.stop()
    fragile.origin.start()


def test_cached_pages_come_while_the_origin_is_stopped(broken: Stack) -> None:
    broken.origin.stop()

    for _ in range(3):
        page = Shopper(broken.edge).see("/en/").response
        assert "hit" in page.headers["cache-status"]
        assert "csrfmiddlewaretoken" in page.text


def test_a_signed_in_visitor_gets_the_page_without_the_origin(broken: Stack) -> None:
    """Fragments fall back: the last good copy, a placeholder, or nothing; never an error page."""
    with Shopper(broken.edge, "Corvus") as shopper:
        shopper.sign_up()
        shopper.see("/en/")
        broken.origin.stop()
        again = shopper.get("/en/")

    assert again.response.status_code == 200
    assert again.response.text.rstrip().endswith("</html>")
    assert "Traceback" not in again.response.text
    assert again.greeting in ("Corvus", None)


def test_stale_pages_come_while_the_origin_is_stopped(broken: Stack) -> None:
    broken.purge(all=True, soft=True)
    broken.origin.stop()

    page = Shopper(broken.edge).see("/en/").response

    assert "stale" in page.headers["cache-status"]


def test_what_was_never_fetched_is_a_clear_error(broken: Stack) -> None:
    broken.origin.stop()

    page = httpx.get(broken.edge + "/en/search/?q=never-asked-before", timeout=30)

    assert page.status_code in (502, 503, 504)
    assert "Traceback" not in page.text


def test_the_site_is_whole_as_soon_as_the_origin_is_back(broken: Stack) -> None:
    broken.origin.stop()
    Shopper(broken.edge).see("/en/")
    broken.origin.start()

    deadline = time.monotonic() + 20
    while httpx.get(broken.edge + "/en/search/?q=back", timeout=30).status_code != 200:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    with Shopper(broken.edge, "Phoenix") as shopper:
        shopper.sign_up()
        shopper.see("/en/")


def test_a_hanging_origin_does_not_hang_cached_pages(broken: Stack) -> None:
    with Shopper(broken.edge, "Morpheus") as shopper:
        shopper.sign_up()
        shopper.see("/en/")
        broken.origin.signal(signal.SIGSTOP)
        try:
            started = time.monotonic()
            page = Shopper(broken.edge).see("/en/").response
            own = shopper.get("/en/")
            took = time.monotonic() - started
        finally:
            broken.origin.signal(signal.SIGCONT)

    assert page.status_code == 200
    assert own.response.text.rstrip().endswith("</html>")
    assert took < 20


def test_purges_sent_while_the_edge_was_away_arrive(broken: Stack) -> None:
    """The outbox holds them and tries again; an edge that restarts has nothing stale anyway."""
    from tests.end_to_end.test_shop import STAFF, admin_form

    with Shopper(broken.origin_url) as staff:
        category = links_on(staff.get("/en/").response.text, "c")[0]
        listing = staff.get(category).response.text
        pk = products_on(listing)[0]
        login = "/admin/login/?next=/admin/"
        form = {"username": STAFF[0], "password": STAFF[1], "next": "/admin/"}
        assert staff.submit(login, login, **form).status_code == 302
        Shopper(broken.edge).see(category)
        broken.edges[0].signal(signal.SIGSTOP)
        try:
            change = f"/admin/catalogue/product/{pk}/change/"
            data = admin_form(staff.client.get(change).text) | {"price": "777.00"}
            started = time.monotonic()
            answer = staff.client.post(
                change, data=data, headers={"Referer": broken.origin_url + change}
            )
            took = time.monotonic() - started
        finally:
            broken.edges[0].signal(signal.SIGCONT)
        assert answer.status_code == 302
        assert took < 10, "an edge that hangs holds up the save"
        deadline = time.monotonic() + 30
        while "777.00" not in Shopper(broken.edge).see(category).response.text:
            assert time.monotonic() < deadline, "the purge never arrived"
            time.sleep(0.1)
