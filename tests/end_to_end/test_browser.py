"""The shop in a real browser, behind the edge."""

from __future__ import annotations

import re
from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

import devstack
from tests.end_to_end.stack import Stack

PASSWORD = "harbour-lamp-7"


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with devstack.playwright_chromium() as browser:
        yield browser


def visitor(chromium: Browser, shop: Stack, **options: object) -> BrowserContext:
    """A browser window of its own, with its own cookies."""
    context = chromium.new_context(base_url=shop.edge, **options)  # type: ignore[arg-type]
    context.set_default_timeout(20_000)
    return context


def log_in(page: Page) -> None:
    page.goto("/en/account/login/")
    page.get_by_label("E-mail address").fill("nora@example.com")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("main").get_by_role("button", name="Log in").click()
    expect(page.get_by_text("Hello, Nora")).to_be_visible()


def first_category(page: Page) -> str:
    page.goto("/en/")
    href = page.get_by_role("navigation", name="Categories").get_by_role("link").first
    return str(href.get_attribute("href"))


def press_first_add(page: Page) -> None:
    page.locator("button.add:not([disabled])").first.click()


def test_a_new_visitor_fills_a_basket_on_cached_pages(chromium: Browser, shop: Stack) -> None:
    with visitor(chromium, shop) as context:
        page = context.new_page()
        errors: list[str] = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda line: errors.append(line.text) if line.type == "error" else None)
        category = first_category(page)
        answer = page.goto(category)
        answer = page.reload()
        assert answer is not None
        assert "hit" in answer.headers["cache-status"]
        press_first_add(page)
        expect(page.locator(".badge-count")).to_have_text("1")
        expect(page.locator(".message")).to_have_count(1)
        page.reload()
        expect(page.locator(".message")).to_have_count(0)
        press_first_add(page)
        expect(page.locator(".badge-count")).to_have_text("2")
        assert errors == []


def test_a_page_put_together_in_gzip_arrives_whole(chromium: Browser, shop: Stack) -> None:
    """Chromium's own decoder finds the document that who takes no coding gets."""

    def without_tokens(text: str) -> str:
        return re.sub(r"[A-Za-z0-9]{64}", "token", text)

    with visitor(chromium, shop) as context:
        page = context.new_page()
        category = first_category(page)
        page.goto(category)
        press_first_add(page)
        expect(page.locator(".message")).to_have_count(1)
        page.goto(category)  # the last one showed the message
        answer = page.reload()
        assert answer is not None
        assert "hit" in answer.headers["cache-status"]
        assert answer.headers["content-encoding"] == "gzip"
        cookies = {c["name"]: c["value"] for c in context.cookies()}  # type: ignore[typeddict-item]
        plain = httpx.get(
            shop.edge + category,
            cookies=cookies,
            headers={
                "Accept-Encoding": "identity",
                "User-Agent": page.evaluate("navigator.userAgent"),
            },
        )

        assert "content-encoding" not in plain.headers
        assert plain.text.rstrip().endswith("</html>")
        assert without_tokens(answer.text()) == without_tokens(plain.text)
        expect(page.locator(".badge-count")).to_have_text("1")


def test_signing_in_keeps_the_basket(chromium: Browser, shop: Stack) -> None:
    with visitor(chromium, shop) as context:
        page = context.new_page()
        page.goto(first_category(page))
        press_first_add(page)
        expect(page.locator(".badge-count")).to_be_visible()
        log_in(page)
        expect(page.locator(".badge-count")).to_be_visible()
        page.goto("/en/journal/")
        expect(page.get_by_text("Hello, Nora")).to_be_visible()


def test_two_browsers_side_by_side(chromium: Browser, shop: Stack) -> None:
    with visitor(chromium, shop) as one, visitor(chromium, shop) as other:
        first, second = one.new_page(), other.new_page()
        log_in(first)
        for _ in range(5):
            first.goto("/en/")
            second.goto("/en/")
            expect(first.get_by_text("Hello, Nora")).to_be_visible()
            expect(second.get_by_text("Hello, Nora")).to_have_count(0)


def test_everything_personal_is_there_without_scripts(chromium: Browser, shop: Stack) -> None:
    """No AJAX: what is personal is in the document, so nothing flickers."""
    with visitor(chromium, shop, java_script_enabled=False) as context:
        page = context.new_page()
        log_in(page)
        page.goto(first_category(page))
        press_first_add(page)
        expect(page.get_by_text("Hello, Nora")).to_be_visible()
        expect(page.locator(".badge-count")).to_be_visible()


def test_a_page_asks_for_nothing_from_elsewhere_and_for_no_fragment(
    chromium: Browser, shop: Stack
) -> None:
    with visitor(chromium, shop) as context:
        page = context.new_page()
        asked: list[tuple[str, str]] = []
        page.on("request", lambda request: asked.append((request.url, request.resource_type)))
        page.goto(first_category(page))
        page.wait_for_load_state("networkidle")

    assert all(url.startswith((shop.edge, "data:")) for url, _ in asked)
    assert [kind for _, kind in asked if kind in ("xhr", "fetch")] == []


def test_the_back_button_after_logging_out_shows_no_name(chromium: Browser, shop: Stack) -> None:
    with visitor(chromium, shop) as context:
        page = context.new_page()
        log_in(page)
        page.goto("/en/")
        expect(page.get_by_text("Hello, Nora")).to_be_visible()
        page.goto("/en/account/")
        page.get_by_role("main").get_by_role("button", name="Log out").click()
        expect(page.get_by_text("Hello, Nora")).to_have_count(0)
        page.goto("/en/")
        expect(page.get_by_text("Hello, Nora")).to_have_count(0)


def test_the_keyboard_reaches_the_main_part_first(chromium: Browser, shop: Stack) -> None:
    with visitor(chromium, shop) as context:
        page = context.new_page()
        page.goto("/en/")
        page.keyboard.press("Tab")
        expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
        page.keyboard.press("Enter")
        expect(page.locator("#main")).to_be_focused()


@pytest.mark.parametrize("width", [390, 1280])
def test_no_page_scrolls_sideways(chromium: Browser, shop: Stack, width: int) -> None:
    with visitor(chromium, shop, viewport={"width": width, "height": 900}) as context:
        page = context.new_page()
        category = first_category(page)
        page.goto(category)
        product = str(page.locator("a.card-link").first.get_attribute("href"))
        for path in ("/en/", category, product, "/en/account/login/", "/en/basket/"):
            page.goto(path)
            overflow = page.evaluate(
                "document.documentElement.scrollWidth - document.documentElement.clientWidth"
            )
            assert overflow <= 0, path
