"""Basics that machines can check: WCAG 2.2 AA contrast, labels, names, headings, landmarks."""

import re
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import pytest
from django.test import Client

from examples.storefront.settings import BASE_DIR

from .small_shop import Shop, add, log_in

CSS = (Path(BASE_DIR) / "static/storefront/shop.css").read_text("utf-8")
TOKENS = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", CSS))
TEXT_PAIRS = [
    ("ink", "paper"),
    ("ink", "card"),
    ("ink", "sand"),
    ("soft", "paper"),
    ("soft", "card"),
    ("soft", "sand"),
    ("clay", "paper"),
    ("clay", "sand"),
    ("clay", "card"),
    ("pine", "paper"),
    ("pine", "mint"),
    ("pine-deep", "mint"),
    ("pine-deep", "paper"),
    ("pine-deep", "sun"),
    ("paper", "pine"),
    ("paper", "pine-deep"),
    ("card", "pine"),
    ("card", "clay"),
]
LITERAL_TEXT_PAIRS = [("#6f2a16", "clay-tint"), ("#54402a", "#f6e3bf"), ("#54402a", "#f3d9cb")]
# borders of inputs, the focus ring: 3 to 1 (WCAG 1.4.11)
CONTROL_PAIRS = [("edge", "card"), ("edge", "paper"), ("clay", "paper"), ("sun", "pine")]


def luminance(colour: str) -> float:
    """Relative luminance, WCAG 2.2."""
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """Contrast ratio, 1 to 21; arguments are tokens or colours."""
    brighter, darker = sorted(
        (luminance(TOKENS.get(name, name)) for name in (one, other)), reverse=True
    )
    return (brighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize(("text", "ground"), TEXT_PAIRS + LITERAL_TEXT_PAIRS)
def test_text_contrast(text: str, ground: str) -> None:
    assert contrast(text, ground) >= 4.5


@pytest.mark.parametrize(("line", "ground"), CONTROL_PAIRS)
def test_control_contrast(line: str, ground: str) -> None:
    assert contrast(line, ground) >= 3


def test_contrast_is_computed_as_wcag_does() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


def test_literal_colours_of_the_hero_are_those_in_the_style_sheet() -> None:
    for colour in ("#6f2a16", "#54402a", "#f6e3bf", "#f3d9cb"):
        assert colour in CSS


class Page(HTMLParser):
    """What a screen reader would ask of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.labels: set[str] = set()
        self.controls: list[dict[str, str]] = []
        self.images: list[dict[str, str | None]] = []
        self.headings: list[int] = []
        self.landmarks: list[tuple[str, dict[str, str | None]]] = []
        self.unnamed: list[str] = []
        self.open: list[tuple[str, dict[str, str | None], str]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if "id" in given:
            self.ids.append(given["id"] or "")
        if tag == "label":
            self.labels.add(given.get("for") or "")
        if tag in ("input", "select", "textarea") and given.get("type") != "hidden":
            self.controls.append({key: value or "" for key, value in given.items()})
        if tag == "img":
            self.images.append(given)
            self._say(given.get("alt") or "")
        if re.fullmatch(r"h[1-6]", tag):
            self.headings.append(int(tag[1]))
        if tag in ("nav", "main", "aside", "header", "footer"):
            self.landmarks.append((tag, given))
        if tag in ("a", "button"):
            self.open.append((tag, given, given.get("aria-label") or ""))

    def handle_data(self, data: str) -> None:
        self._say(data.strip())

    def handle_endtag(self, tag: str) -> None:
        if tag in ("a", "button") and self.open:
            name, given, text = self.open.pop()
            if not text:
                self.unnamed.append(f"{name} {given}")

    def _say(self, text: str) -> None:
        self.open = [(tag, given, said + text) for tag, given, said in self.open]


PAGES = (
    "/en/",
    "/de/",
    "/en/c/mugs/",
    "/en/search/?q=mug",
    "/en/search/",
    "/en/p/mug-1/",
    "/en/basket/",
    "/en/account/login/",
    "/en/account/sign-up/",
    "/en/about/",
    "/en/delivery/",
    "/en/journal/",
)
OWN_PAGES = ("/en/orders/checkout/", "/en/account/", "/en/account/password/", "/en/orders/")


@pytest.fixture
def visitor(shop: Shop, client: Client) -> Client:
    """A visitor who has something in the basket and saw something."""
    mug = shop.product()
    shop.product(stock=0)
    shop.customer()
    add(client, mug)
    client.post(f"/seen/{mug.pk}/")
    return client


@pytest.mark.parametrize("url", PAGES + OWN_PAGES)
def test_pages_can_be_used_without_seeing_them(visitor: Client, url: str) -> None:
    if url in OWN_PAGES:
        log_in(visitor)
    response = visitor.get(url)
    assert response.status_code == 200
    page = Page(response.content.decode())

    assert sorted(page.ids) == sorted(set(page.ids)), "an id is there twice"
    for control in page.controls:
        named = control.get("id") in page.labels or control.get("aria-label")
        assert named, f"no label: {control}"
    assert all("alt" in image for image in page.images)
    assert page.unnamed == [], "links or buttons without a name"
    assert page.headings.count(1) == 1
    assert page.headings[0] == 1 or page.headings[0] == 2
    body = [level for level in page.headings if level > 0]
    assert all(deeper - level <= 1 for level, deeper in pairwise(body)), page.headings
    kinds = [tag for tag, _ in page.landmarks]
    assert kinds.count("main") == 1
    navs = [given for tag, given in page.landmarks if tag == "nav"]
    assert all(given.get("aria-label") for given in navs)
    assert page.ids.count("main") == 1  # where the skip link leads


def test_focus_is_always_visible() -> None:
    assert ":focus-visible { outline: 3px solid" in CSS
    removed = re.findall(r"([^{}]+)\{[^}]*outline: none", CSS)
    assert [selector.strip() for selector in removed] == ["main:focus"]


def test_nothing_comes_from_elsewhere(visitor: Client) -> None:
    html = visitor.get("/en/p/mug-1/").content.decode()
    assert not re.search(r'(?:src|href)="(?:https?:)?//', html)
    assert "url(" not in CSS
    assert "@import" not in CSS
