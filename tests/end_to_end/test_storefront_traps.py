"""The same traps where the storefront has them: currency, language, consent, a basket cookie."""

from __future__ import annotations

import httpx

from tests.end_to_end.shopper import PRICE, Shopper, links_on, products_on
from tests.end_to_end.stack import Stack


def test_a_currency_switch_by_get(shop: Stack) -> None:
    with Shopper(shop.edge) as visitor, Shopper(shop.edge) as other:
        category = links_on(visitor.see("/en/").response.text, "c")[0]
        for code, sign in (("USD", "$"), ("GBP", "£"), ("EUR", "€"), ("USD", "$")):
            answer = visitor.client.get(f"/en/currency/{code}/?next={category}")
            assert answer.status_code == 302
            prices = PRICE.findall(visitor.see(category).response.text)
            assert prices
            assert all(sign in price for price in prices), prices[:3]
            assert all("€" in price for price in PRICE.findall(other.see(category).response.text))


def test_languages_alternate(shop: Stack) -> None:
    with Shopper(shop.edge) as visitor:
        for _ in range(4):
            assert '<html lang="en">' in visitor.see("/en/").response.text
            german = visitor.get("/de/").response.text
            assert '<html lang="de">' in german
            assert "Warenkorb" in german


def test_the_root_goes_to_the_visitors_language(shop: Stack) -> None:
    for language in ("de", "en", "de"):
        answer = httpx.get(f"{shop.edge}/", headers={"Accept-Language": language})
        assert answer.status_code == 302
        assert answer.headers["location"] == f"/{language}/"


def test_a_basket_without_a_session(shop: Stack) -> None:
    with Shopper(shop.edge) as visitor, Shopper(shop.edge) as other:
        category = links_on(visitor.see("/en/").response.text, "c")[0]
        product = products_on(visitor.see(category).response.text)[0]
        visitor.add(category, product)
        assert "sessionid" not in visitor.client.cookies
        for _ in range(3):
            visitor.see(category)
            visitor.see("/en/")
            other.see(category)
        visitor.add(category, product)
        visitor.see("/en/")


def test_marketing_parameters(shop: Stack) -> None:
    Shopper(shop.edge).see("/en/about/")  # a page without a banner, whose bucket might be another
    page = Shopper(shop.edge).see("/en/about/?utm_source=mail&utm_medium=x&fbclid=y")

    assert "hit" in page.status
    assert "utm_source" not in page.response.text


def test_a_visitor_keeps_their_banner(shop: Stack) -> None:
    banners = set()
    for _ in range(40):
        with Shopper(shop.edge) as visitor:
            visitor.see("/en/")
            mine = visitor.client.cookies["ab_banner"]
            banners.add(mine)
            for _ in range(2):
                visitor.see("/en/")
                assert visitor.client.cookies["ab_banner"] == mine

    assert banners == {"a", "b"}


def test_consent_is_asked_until_it_is_given(shop: Stack) -> None:
    with Shopper(shop.edge) as visitor:
        first = visitor.see("/en/").response.text
        answer = visitor.submit("/en/", "/en/consent/", choice="essential", consent="essential")
        assert answer.status_code in (302, 303, 204), answer.text
        after = visitor.see("/en/").response.text

    assert len(after) < len(first)
