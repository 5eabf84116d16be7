"""The main job: a visitor shops on pages that come out of the edge's cache."""

from __future__ import annotations

import re
import shutil
import subprocess
from urllib.parse import quote

import httpx
import pytest

from tests.end_to_end.shopper import PRICE, TOKEN, Seen, Shopper, links_on, products_on
from tests.end_to_end.stack import Stack

STAFF = ("staff@example.com", "quiet-shelf-31")
TRADE = ("trade@example.com", "cobalt-kiln-12")


@pytest.fixture(scope="module")
def listing(shop: Stack) -> str:
    """A category page: 18 products, 18 forms."""
    home = httpx.get(f"{shop.edge}/en/").text
    for category in links_on(home, "c"):
        if len(products_on(httpx.get(shop.edge + category).text)) == 18:
            return category
    raise AssertionError("no category with 18 products")


@pytest.fixture(scope="module")
def product(shop: Stack, listing: str) -> str:
    """A product that is in stock."""
    for path in links_on(httpx.get(shop.edge + listing).text, "p"):
        if products_on(httpx.get(shop.edge + path).text):
            return path
    raise AssertionError("nothing is in stock")


def test_curl_and_gzip_read_what_is_put_together_in_gzip(shop: Stack, listing: str) -> None:
    """One visitor's page, from blocks made beforehand, by decoders that are not Python's."""
    with Shopper(shop.edge, "Gwen") as gwen:
        gwen.add(listing, products_on(gwen.see(listing).response.text)[0])
        for _ in range(2):
            gwen.see(listing)
        plain = gwen.client.get(listing, headers={"Accept-Encoding": "identity"})
        jar = "; ".join(f"{name}={value}" for name, value in gwen.client.cookies.items())
    with httpx.stream(
        "GET", shop.edge + listing, headers={"Accept-Encoding": "gzip", "Cookie": jar}
    ) as page:
        coded = b"".join(page.iter_raw())
    assert page.headers["content-encoding"] == "gzip"
    assert "hit" in page.headers["cache-status"]
    read = [subprocess.run(["gzip", "-dc"], input=coded, capture_output=True, check=True).stdout]
    if shutil.which("curl"):
        command = ["curl", "-sS", "--compressed", "-H", f"Cookie: {jar}", shop.edge + listing]
        read.append(subprocess.run(command, capture_output=True, check=True).stdout)

    for document in read:
        assert re.sub(rb"[A-Za-z0-9]{64}", b"token", document) == re.sub(
            rb"[A-Za-z0-9]{64}", b"token", plain.content
        )


def test_a_visitor_shops(shop: Stack, listing: str, product: str) -> None:
    """Browse, fill the basket without an account, sign up, check out, find the order."""
    with Shopper(shop.edge, "Wanda") as wanda:
        wanda.see(listing)
        seen = wanda.see(listing)
        assert "hit" in seen.status
        assert len(TOKEN.findall(seen.response.text)) >= 18
        wanda.add(listing, products_on(seen.response.text)[0])
        after = wanda.see(listing)
        assert after.pieces == 1
        assert len(after.messages) == 1
        assert wanda.see(listing).messages == []
        wanda.sign_up()
        assert wanda.see(product).pieces == 1
        checkout = wanda.client.get("/en/orders/checkout/")
        assert checkout.status_code == 200
        given = re.compile(r'<input[^>]*name="([a-z_0-9]+)"[^>]*value="([^"]*)"')
        form = dict(given.findall(checkout.text))
        wanted = {
            "name": "Wanda Tester",
            "street": "River 1",
            "postcode": "10115",
            "city": "Berlin",
        }
        names = re.findall(r'<(?:input|select|textarea)[^>]*name="([a-z_0-9]+)"', checkout.text)
        data = {name: form.get(name) or wanted.get(name, "x") for name in names}
        country = re.search(
            r'<select[^>]*name="country"[^>]*>.*?<option value="([A-Z]+)"', checkout.text, re.S
        )
        if country:
            data["country"] = country[1]
        answer = wanda.client.post(
            "/en/orders/checkout/",
            data=data,
            headers={"Referer": shop.edge + "/en/orders/checkout/"},
        )
        assert answer.status_code == 302, answer.text
        wanda.pieces = 0
        wanda.see(listing)
        assert answer.headers["location"] in wanda.client.get("/en/orders/").text


@pytest.mark.parametrize("returning", [False, True], ids=["new", "returning"])
def test_forms_on_cached_pages_work(shop: Stack, listing: str, returning: bool) -> None:
    with Shopper(shop.edge) as warm:
        warm.see(listing)
    with Shopper(shop.edge) as visitor:
        if returning:
            visitor.see(listing)
        before = visitor.client.cookies.get("csrftoken")
        seen = visitor.see(listing)
        assert "hit" in seen.status
        assert (before is not None) == returning
        if returning:
            assert visitor.client.cookies.get("csrftoken") == before
        visitor.add(listing, products_on(seen.response.text)[1])
        visitor.see(listing)
        visitor.log_in(*TRADE)


def test_a_form_without_the_token_is_refused(shop: Stack, listing: str) -> None:
    with Shopper(shop.edge) as visitor:
        visitor.see(listing)
        answer = visitor.client.post("/en/basket/add/", data={"product": "1", "quantity": "1"})

    assert answer.status_code == 403


def test_a_warm_page_costs_the_origin_nothing_for_nobody(shop: Stack, listing: str) -> None:
    for _ in range(3):
        Shopper(shop.edge).see(listing)
    shop.mark()
    for _ in range(10):
        with Shopper(shop.edge) as visitor:
            seen = visitor.see(listing)
            assert "hit" in seen.status

    assert shop.origin_requests() == []


def test_a_warm_page_costs_the_origin_at_most_one_request(shop: Stack, listing: str) -> None:
    """18 forms, basket, greeting, messages, group prices: one bundle; then held."""
    with Shopper(shop.edge) as visitor:
        visitor.log_in(*TRADE)
        visitor.add(listing, products_on(visitor.get(listing).response.text)[2])
        visitor.name, visitor.pieces = "Emil", Seen.of(visitor.client.get("/en/basket/")).pieces
        shop.mark()
        visitor.see(listing)
        assert len(shop.origin_requests()) <= 1
        shop.mark()
        for _ in range(5):
            visitor.see(listing)
        assert len(shop.origin_requests()) <= 1


def test_a_price_change_is_on_the_page_at_the_next_request(
    shop: Stack, listing: str, product: str
) -> None:
    """Staff change a price in Django's admin; the answer to the save is the receipt."""
    with Shopper(shop.edge) as staff, Shopper(shop.edge) as visitor:
        pk = products_on(visitor.get(product).response.text)[0]
        login = "/admin/login/?next=/admin/"
        form = {"username": STAFF[0], "password": STAFF[1], "next": "/admin/"}
        assert staff.submit(login, login, **form).status_code == 302
        change = f"/admin/catalogue/product/{pk}/change/"
        for step in range(10):
            price = f"{100 + step}.00"
            page = staff.client.get(change)
            assert page.status_code == 200, page.status_code
            data = admin_form(page.text) | {"price": price}
            visitor.see(product)
            visitor.see(listing)
            answer = staff.client.post(change, data=data, headers={"Referer": shop.edge + change})
            assert answer.status_code == 302, answer.text
            for path in (product, listing):
                shown = visitor.see(path).response.text
                assert f"{100 + step}.00" in " ".join(PRICE.findall(shown)), (step, path)


def admin_form(page: str) -> dict[str, str]:
    """The fields of a change form of Django's admin, with their values."""
    from html.parser import HTMLParser

    class Form(HTMLParser):
        def __init__(self) -> None:
            super().__init__()
            self.values: dict[str, str] = {}
            self.open: str | None = None

        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            found = {name: value or "" for name, value in attrs}
            name = found.get("name", "")
            if tag == "input" and name and found.get("type") not in ("submit", "file"):
                if found.get("type") != "checkbox" or "checked" in found:
                    self.values[name] = found.get("value", "on")
            elif tag in ("select", "textarea") and name:
                self.open = name
                self.values.setdefault(name, "")
            elif tag == "option" and self.open and "selected" in found:
                self.values[self.open] = found.get("value", "")

        def handle_endtag(self, tag: str) -> None:
            if tag in ("select", "textarea"):
                self.open = None

        def handle_data(self, data: str) -> None:
            if self.open and self.get_starttag_text().startswith("<textarea"):  # type: ignore[union-attr]
                self.values[self.open] += data.removeprefix("\n")

    form = Form()
    form.feed(page[page.index('id="product_form"') :])
    return {name: value for name, value in form.values.items() if not name.startswith("_")}


def test_group_prices_are_for_the_group_alone(shop: Stack, listing: str) -> None:
    with Shopper(shop.edge) as trade, Shopper(shop.edge) as other:
        trade.log_in(*TRADE)
        other.name = "Ophelia"
        other.sign_up()
        own = trade.get(listing).response.text
        assert "price-group" in own or "group-price" in own or "price-own" in own
        for who in (other, Shopper(shop.edge)):
            text = who.see(listing).response.text
            assert "Trade" not in text


@pytest.mark.parametrize("path", ["/en/nothing-here/", "/en/p/no-such-product/"])
def test_a_missing_page_is_missing_for_everybody(shop: Stack, path: str) -> None:
    for _ in range(2):
        assert httpx.get(shop.edge + path).status_code == 404


def test_uploads_downloads_and_methods_pass(shop: Stack) -> None:
    asset = httpx.get(f"{shop.edge}/static/storefront/shop.css")
    assert asset.status_code == 200
    assert asset.headers["content-type"].startswith("text/css")
    assert httpx.head(f"{shop.edge}/static/storefront/shop.css").headers["content-length"]
    assert httpx.request("OPTIONS", f"{shop.edge}/en/basket/add/").status_code in (200, 405)
    assert httpx.delete(f"{shop.edge}/en/").status_code == 403  # no CSRF token
    big = httpx.post(f"{shop.edge}/en/basket/add/", content=b"x" * 3_000_000)
    assert big.status_code in (400, 403, 413)
    odd = httpx.get(f"{shop.edge}/en/search/?q={quote('<script>alert(1)</script>')}")
    assert odd.status_code == 200
    assert "<script>alert(1)" not in odd.text
