"""Edge, both passes in process, two-pass off: the same bytes but for tokens."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import httpx
import pytest

from tests.end_to_end.shopper import Shopper, links_on, products_on
from tests.end_to_end.stack import running_stack

HOST = {"Host": "localhost:8080"}
TOKEN = re.compile(rb"[A-Za-z0-9]{64}")


@dataclass
class Modes:
    """The same shop, on the same database, rendered three ways."""

    edge: str
    in_process: str
    off: str

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return iter((("edge", self.edge), ("in process", self.in_process), ("off", self.off)))


@pytest.fixture(scope="module")
def modes(
    shop_environment: Callable[[], dict[str, str]], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Modes]:
    environment = shop_environment()
    with (
        running_stack(tmp_path_factory.mktemp("on"), environment) as on,
        running_stack(
            tmp_path_factory.mktemp("off"),
            environment | {"STOREFRONT_TWOPASS": "off", "STOREFRONT_EDGES": ""},
            edges=0,
        ) as off,
    ):
        yield Modes(on.edge, on.origin_url, off.origin_url)


@pytest.fixture(scope="module")
def pages(modes: Modes) -> list[str]:
    """Every type of page, in both languages."""
    home = httpx.get(f"{modes.edge}/en/").text
    category = links_on(home, "c")[0]
    listing = httpx.get(modes.edge + category).text
    product = links_on(listing, "p")[0]
    journal = httpx.get(f"{modes.edge}/en/journal/").text
    post = re.findall(r'href="(/en/journal/[a-z0-9-]+/)"', journal)[0]
    english = [
        "/en/",
        category,
        f"{category}?page=2",
        f"{category}?sort=price",
        product,
        "/en/search/?q=lamp",
        "/en/search/?q=nothing-at-all-xyz",
        "/en/search/?q=%3Cscript%3E",
        "/en/journal/",
        post,
        "/en/about/",
        "/en/delivery/",
    ]
    return [*english, *(path.replace("/en/", "/de/", 1) for path in english)]


def cookies_of(visitor: str, modes: Modes) -> dict[str, str]:
    """The cookies of a visitor of that kind."""
    with Shopper(modes.off, "Carina") as shopper:
        shopper.client.get("/en/")
        if visitor in ("signed in", "basket", "messages"):
            try:
                shopper.sign_up()
            except AssertionError:
                shopper.log_in()
        if visitor in ("basket", "messages", "anonymous basket"):
            listing = shopper.client.get("/en/search/?q=lamp").text
            shopper.add("/en/search/?q=lamp", products_on(listing)[0])
        if visitor != "messages":
            shopper.client.get("/en/")  # reads, and so removes, what was to be said
        if visitor == "currency":
            shopper.client.get("/en/currency/USD/?next=/en/")
        # the banner is drawn: all modes must show the same one
        return {**dict(shopper.client.cookies), "ab_banner": "b"}


def fetch(base: str, path: str, cookies: dict[str, str]) -> tuple[int, bytes]:
    headers = {**HOST, "Cookie": "; ".join(f"{name}={value}" for name, value in cookies.items())}
    page = httpx.get(base + path, headers=headers, timeout=30)
    return page.status_code, TOKEN.sub(b"TOKEN", page.content)


@pytest.mark.parametrize(
    "visitor",
    ["nobody", "anonymous", "signed in", "basket", "anonymous basket", "messages", "currency"],
)
def test_three_ways_one_page(modes: Modes, pages: list[str], visitor: str) -> None:
    cookies = {} if visitor == "nobody" else cookies_of(visitor, modes)
    if visitor == "nobody":
        cookies = {"ab_banner": "a"}
    different = []
    for path in pages:
        for turn in ("cold", "warm"):
            found = {name: fetch(base, path, cookies) for name, base in modes}
            assert found["off"][0] == 200
            for name in ("edge", "in process"):
                if found[name] != found["off"]:
                    where = _first(found[name][1], found["off"][1])
                    different.append(f"{path} ({turn}): {name} differs from off at {where}")

    assert different == []


def _first(one: bytes, other: bytes) -> str:
    place = next(
        (at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b),
        min(len(one), len(other)),
    )
    return (
        f"byte {place}: {one[place - 40 : place + 40]!r} against {other[place - 40 : place + 40]!r}"
    )
