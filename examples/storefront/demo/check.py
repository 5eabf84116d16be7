"""``--check``: shops through the edge and prints what it saw."""

import re
from collections.abc import Callable
from decimal import Decimal

import httpx

from ..pages.choices import BANNER_COOKIE
from ..seed.people import CUSTOMER, STAFF, TRADE
from .visitor import LISTING, Visitor

PRODUCT = "/en/p/solvi-mug-ochre/"
CHANGE_LIST = "/admin/catalogue/product/?q=Solvi+mug%2C+ochre"
LIST_PRICE = re.compile(r'price-large"><span class="price-list">€([\d.,]+)')


class Unexpected(AssertionError):
    """The shop did not do what it promises."""


def shop_through(shop: str) -> bool:
    """Run every step against a running shop; whether all went as promised."""
    steps: tuple[tuple[str, Callable[[str], str]], ...] = (
        ("Browsing", _browse),
        ("A basket without a session", _fill_basket),
        ("Logging in", _log_in),
        ("Trade prices", _trade),
        ("Currency by a plain link", _switch_currency),
        ("A price changed by staff", _change_price),
    )
    passed = 0
    for title, step in steps:
        try:
            saw = step(shop)
        except (Unexpected, LookupError, httpx.HTTPError) as error:
            print(f"  ✗ {title}: {type(error).__name__}: {error}", flush=True)
        else:
            passed += 1
            print(f"  ✓ {title}: {saw}", flush=True)
    print(f"\n{passed} of {len(steps)} went as promised.")
    return passed == len(steps)


def _browse(shop: str) -> str:
    """Pages of all kinds; the second visitor's come out of the cache."""
    paths = ("/en/", LISTING, PRODUCT, "/en/search/?q=moss", "/en/journal/", "/de/")
    with Visitor(shop) as first, Visitor(shop) as second:
        for path in paths:
            first.get(path)
            # the home page has two banners: the same one for both
            second.client.cookies.update(_banner(first))
            _expect_hit(second.get(path))
        page = second.get(LISTING)
    forms = page.text.count("csrfmiddlewaretoken")
    _expect(forms >= 18, f"{forms} forms with a token on {LISTING}")
    status = page.headers.get("cache-status", "")
    return f"{len(paths)} pages hit for a second visitor; {forms} forms on one ({status})"


def _fill_basket(shop: str) -> str:
    """The form on a cached page works, and shows for its visitor only."""
    with Visitor(shop) as buyer, Visitor(shop) as other:
        after = buyer.add_to_basket(buyer.get(LISTING))
        _expect("is in your basket" in after.text, "no message after adding to the basket")
        again = buyer.get(LISTING)
        _expect_hit(again)
        _expect("badge-count" in again.text, "no badge for the buyer")
        _expect("is in your basket" not in again.text, "the message was shown twice")
        _expect("badge-count" not in other.get(LISTING).text, "somebody else's basket was shown")
        names = sorted(buyer.client.cookies.keys())
    _expect("sessionid" not in names, "a session was made for a basket")
    return f"message once, badge for the buyer only, cookies {', '.join(names)}"


def _log_in(shop: str) -> str:
    """Name and merged basket on a page out of the cache."""
    with Visitor(shop) as buyer:
        buyer.add_to_basket(buyer.get(PRODUCT))
        page = buyer.log_in(CUSTOMER)
        _expect_hit(page)
        _expect(f"Hello, {CUSTOMER.first_name}" in page.text, "no greeting")
        _expect("badge-count" in page.text, "the basket did not come along")
        basket = buyer.get("/en/basket/")
        while "/en/basket/change/" in basket.text:
            basket = buyer.send(basket, "/en/basket/change/", quantity="0")
    return f"“Hello, {CUSTOMER.first_name}” and the basket from before, on a cached page"


def _trade(shop: str) -> str:
    """A trade customer sees other prices on the same stored page."""
    with Visitor(shop) as trader, Visitor(shop) as other:
        page = trader.log_in(TRADE)
        _expect_hit(page)
        prices = page.text.count('class="price-group"')
        _expect(prices >= 18, f"{prices} trade prices on {LISTING}")
        _expect("price-group" not in other.get(LISTING).text, "trade prices for everybody")
    return f"{prices} of them on a cached page, for the trade customer only"


def _switch_currency(shop: str) -> str:
    """A GET that sets a cookie; pages follow it."""
    with Visitor(shop) as visitor:
        before = visitor.get(PRODUCT)
        after = visitor.get(f"/en/currency/USD/?next={PRODUCT}")
        _expect("$" in after.text and "$" not in _price(before), "still in euro")
        visitor.get("/en/currency/EUR/")
        _expect("€" in visitor.get(PRODUCT).text, "not back in euro")
    return "euro, dollars, and back"


def _change_price(shop: str) -> str:
    """The next request after the save was answered shows the new price."""
    with Visitor(shop) as staff, Visitor(shop) as visitor:
        _expect_hit_soon(visitor, PRODUCT)
        old = Decimal(_price(visitor.get(PRODUCT)))
        staff.log_in(STAFF)
        new = old + 1
        try:
            _save_price(staff, new)
            page = visitor.get(PRODUCT)
            shown = Decimal(_price(page))
            _expect(shown == new, f"the page shows {shown}, the admin saved {new}")
        finally:
            _save_price(staff, old)
        _expect(Decimal(_price(visitor.get(PRODUCT))) == old, "the old price did not come back")
    return f"€{old} → €{new} at the next request after the save, and back"


def _save_price(staff: Visitor, price: Decimal) -> None:
    """Change the price in the list of the admin, as staff do."""
    page = staff.get(CHANGE_LIST)
    _expect("form-0-price" in page.text, "the product is not in the admin's list")
    staff.send(page, "", **{"form-0-price": str(price), "_save": "Save"})


def _price(page: httpx.Response) -> str:
    found = LIST_PRICE.search(page.text)
    _expect(found is not None, f"no price on {page.url}")
    return str(found[1]) if found else ""


def _banner(visitor: Visitor) -> dict[str, str]:
    """The bucket that the edge drew for a visitor, as cookies for another."""
    drawn = visitor.client.cookies.get(BANNER_COOKIE)
    return {BANNER_COOKIE: drawn} if drawn else {}


def _expect_hit_soon(visitor: Visitor, path: str) -> None:
    visitor.get(path)
    _expect_hit(visitor.get(path))


def _expect_hit(page: httpx.Response) -> None:
    status = page.headers.get("cache-status", "")
    _expect("hit" in status, f"{page.url} was no hit: Cache-Status: {status or 'absent'}")


def _expect(promised: bool, otherwise: str) -> None:
    if not promised:
        raise Unexpected(otherwise)
