"""A contestant of `shop` must show each customer their own page, out of the cache it claims."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from benchmarks.contestants.storefront import OPEN, Open
from benchmarks.load.catalogue import Catalogue, explore
from benchmarks.load.shoppers import shop as round_of_shoppers
from benchmarks.scenarios.shop import _require_own
from benchmarks.shop.customers import Customer

NORA = Customer("Nora", "nora@shop.example", {"sessionid": "n"})
OWN = b'<span>Hello, Nora</span><span class="badge-count">1</span>'
HELD = {"Cache-Status": "twopass;hit;ttl=9", "Server-Timing": 'f;desc="6 held, 0 asked, 2 empty"'}
ASKED = {**HELD, "Server-Timing": 'f;desc="2 held, 4 asked, 2 empty"'}
Shop = Any


def verify(shop: Shop, name: str, answer: tuple[Any, ...], is_ajax: bool = False) -> None:
    with shop(lambda path, cookie: answer) as base:
        OPEN[base] = Open((NORA,), is_ajax=is_ajax)
        try:
            asyncio.run(_require_own(name, base, NORA, "/en/p/mug/"))
        finally:
            del OPEN[base]


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("twopass", (200, OWN, HELD)),
        ("twopass-unheld", (200, OWN, ASKED)),
        ("varnish", (200, OWN, {"X-Cache-Hits": "3"})),
        ("django", (200, OWN)),
    ],
)
def test_who_does_what_it_claims_takes_part(shop: Shop, name: str, answer: tuple[Any, ...]) -> None:
    verify(shop, name, answer)


@pytest.mark.parametrize(
    ("name", "answer", "why"),
    [
        ("django", (200, b"<span>Log in</span>"), "lacks the name"),
        ("django", (200, OWN.replace(b">1<", b">2<")), "lacks the name or the basket"),
        ("django", (200, OWN + b"<span>Hello, Emil</span>"), "more than one visitor"),
        ("varnish", (200, OWN, {"X-Cache-Hits": "0"}), "is no hit"),
        ("varnish", (200, OWN), "is no hit"),
        ("twopass", (200, OWN, {"Cache-Status": "twopass;fwd=miss"}), "is no hit"),
        ("twopass", (200, OWN, ASKED), "not held"),
        ("twopass-unheld", (200, OWN, HELD), "holds private fragments"),
    ],
)
def test_who_does_not_is_refused(shop: Shop, name: str, answer: tuple[Any, ...], why: str) -> None:
    with pytest.raises(RuntimeError, match=why):
        verify(shop, name, answer)


def test_a_round_with_a_strangers_page_is_no_result(shop: Shop) -> None:
    catalogue = Catalogue(("/en/p/mug/",), ("/en/c/mugs/",))
    with (
        shop(lambda path, cookie: (200, b"<span>Hello, Emil</span>")) as base,
        pytest.raises(RuntimeError, match="does not greet its visitor"),
    ):
        round_of_shoppers(base, 0.1, catalogue, [NORA])


def test_a_round_counts_pages_and_not_the_scripts_requests(shop: Shop) -> None:
    asked: list[str] = []

    def answer(path: str, cookie: str) -> tuple[int, bytes]:
        asked.append(path)
        return 200, OWN if path == "/own/" else b"page"

    catalogue = Catalogue(("/en/p/mug/",), ("/en/c/mugs/",))
    with shop(answer) as base:
        row = round_of_shoppers(base, 0.3, catalogue, [NORA], is_ajax=True)

    assert asked.count("/own/") == len(asked) / 2
    assert 0 < row["pages_per_second"] * 0.3 < len(asked) / 2


@pytest.mark.parametrize(
    ("fields", "hits", "held"),
    [(HELD, 1.0, 1.0), (ASKED, 1.0, 0.0), ({"X-Cache-Hits": "2"}, 1.0, None), ({}, 0.0, None)],
)
def test_a_round_tells_what_share_of_pages_was_held(
    shop: Shop, fields: dict[str, str], hits: float, held: float | None
) -> None:
    catalogue = Catalogue(("/en/p/mug/",), ("/en/c/mugs/",))
    with shop(lambda path, cookie: (200, OWN, fields)) as base:
        row = round_of_shoppers(base, 0.1, catalogue, [NORA])

    assert (row["page_hit_share"], row.get("all_held_share")) == (hits, held)


def test_the_catalogue_is_found_as_a_crawler_would(shop: Shop) -> None:
    def answer(path: str, cookie: str) -> tuple[int, bytes]:
        if path == "/en/":
            return 200, b'<a href="/en/c/mugs/">Mugs</a>'
        return 200, b'<a href="/en/p/blue-mug/"></a><a href="/en/p/red-mug/"></a>'

    with shop(answer) as base:
        found = asyncio.run(explore(base))
    assert set(found.products) == {"/en/p/blue-mug/", "/en/p/red-mug/"}
    assert found.categories == ("/en/c/mugs/",)
    assert len(found.all_paths()) == len(set(found.all_paths()))

    with shop(lambda path, cookie: (200, b"It worked!")) as base, pytest.raises(RuntimeError):
        asyncio.run(explore(base))
