"""Whole pages found by the bytes of the request line: as fast however many there are."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from bench import Bench
from world import CURRENCY, FILLER, LANGUAGE

from edge.core.hit import Own, PageHit
from edge.core.negotiation import Offer
from edge.core.plan import Plan
from edge.core.prepared import prepare_shell
from edge.core.ready import made_ready
from edge.core.whole import coding_of, whole_answer
from edge.hits import OFTEN, Hits
from fragments.csrf import CSRF
from fragments.shell import NONCE, Part, Shell
from origin import KEYRING, MANIFEST, ScriptedOrigin, Seen, hole, shell

Fields = list[tuple[bytes, bytes]]


@pytest.fixture
async def bench(origin: ScriptedOrigin) -> AsyncIterator[Bench]:
    origin.manifest = replace(MANIFEST, dimensions=(CURRENCY, LANGUAGE))
    origin.routes("^/p")
    origin.routes("^/priced", dimensions=("currency", "language"))
    origin.pages |= {f"/p/{n}": shell(b"page %d" % n, FILLER) for n in range(9)}
    origin.pages["/priced"] = _priced
    settings = {"hosts": ("*",), "trusted_proxies": ("192.0.2.7",)}
    async with Bench(origin, **settings) as running:
        yield running


def _priced(seen: Seen) -> Shell:
    currency = CURRENCY.reduce(seen.cookies, {}, {}) or ""
    language = LANGUAGE.reduce(seen.cookies, {"accept-language": seen["accept-language"] or ""}, {})
    values = (("currency", currency), ("language", language or ""))
    return shell(f"10 {currency} {language}".encode(), dimensions=(CURRENCY, LANGUAGE),
                 values=values)  # fmt: skip


def ask(
    hits: Hits, target: bytes, *fields: tuple[bytes, bytes], host: bytes = b"shop.test",
    peer: str = "198.51.100.1",
) -> bytes | None:  # fmt: skip
    pieces = hits.answer(b"GET", b"http", peer, target, [(b"host", host), *fields])
    return None if pieces is None else b"".join(pieces)


def nothing_is_remembered(hits: Hits) -> bool:
    return not (hits._addresses or hits._shared or hits._known)


async def test_any_number_is_found_and_nothing_remembered(bench: Bench) -> None:
    hits = Hits(bench.edge)
    for number in range(9):
        await bench.get(f"/p/{number}")
    bench.edge.memory.visits.top(bench.clock())  # as after a minute: nothing was counted since
    for number in range(9):
        found = ask(hits, b"/p/%d" % number, (b"accept-encoding", b"identity"))
        assert found is not None
        assert b"\r\n\r\npage %d<li>" % number in found

    assert nothing_is_remembered(hits)


async def test_dimensions_are_told_apart(bench: Bench) -> None:
    hits = Hits(bench.edge)
    asked = [("EUR", "de"), ("USD", "de"), ("USD", "en")]
    for currency, language in asked:
        await bench.visitor(currency=currency).get("/priced", accept_language=language)
    for currency, language in [*asked, ("EUR", "en"), *asked]:
        cookie = f"currency={currency}".encode()
        found = ask(hits, b"/priced", (b"cookie", cookie), (b"accept-language", language.encode()))
        assert found is not None
        assert found.endswith(f"10 {currency} {language}".encode())

    assert not hits._shared


async def test_what_a_trusted_proxy_tells_is_taken_and_nobody_elses_word(bench: Bench) -> None:
    hits = Hits(bench.edge)
    await bench.get("/p/1", x_forwarded_proto="https")
    told = (b"x-forwarded-proto", b"https")

    assert ask(hits, b"/p/1", told, peer="192.0.2.7") is not None
    assert ask(hits, b"/p/1", told) is None
    assert ask(hits, b"/p/1", peer="192.0.2.7") is None


@pytest.mark.parametrize(
    ("host", "target"),
    [
        (b"shop.tes", b"t/p/1"),
        (b"shop.test/p", b"/1"),
        (b"shop.test", b"p/1"),
        (b"SHOP.test", b"//p/1"),
        (b"shop.test", b"/p/1#x"),
        (b"shop.test", b"/p/\xe4"),
        (b"shop.test", b"/p//1"),
        (b"shop.test", b"/p/1?x=1"),
        (b"other.test", b"/p/1"),
    ],
)
async def test_no_other_cut_of_the_same_bytes_finds_it(
    bench: Bench, host: bytes, target: bytes
) -> None:
    hits = Hits(bench.edge)
    await bench.get("/p/1")
    assert ask(hits, b"/p/1") is not None

    assert ask(hits, target, host=host) is None


async def test_nothing_purged_marked_stale_or_bypassed_is_found(bench: Bench) -> None:
    hits = Hits(bench.edge)
    await bench.get("/p/1")
    assert ask(hits, b"/p/1") is not None
    assert ask(hits, b"/p/1", (b"cookie", b"preview=1")) is None
    assert ask(hits, b"/p/1", (b"hx-request", b"true")) is None
    bench.edge.memory.marks.set(b"http://shop.test/p/1", "guard")
    assert ask(hits, b"/p/1") is None
    bench.edge.memory.marks.clear()
    assert ask(hits, b"/p/1") is not None
    bench.clock.tick(61)
    assert ask(hits, b"/p/1") is None
    await bench.get("/p/1")
    bench.purge(urls=("http://shop.test/p/1",))
    assert ask(hits, b"/p/1") is None


async def test_a_page_that_comes_to_be_for_some_is_not_found_for_all(
    bench: Bench, origin: ScriptedOrigin
) -> None:
    """An earlier shell of the path had no dimension; visitors must not go on by that."""
    hits = Hits(bench.edge)
    origin.routes("^/turned")
    origin.pages["/turned"] = shell(b"for all")
    await bench.get("/turned")
    assert ask(hits, b"/turned") is not None
    origin.pages["/turned"] = _priced
    bench.purge(urls=("http://shop.test/turned",))
    await bench.visitor(currency="USD").get("/turned")

    found = ask(hits, b"/turned", (b"cookie", b"currency=USD"))
    assert found is not None
    assert found.endswith(b"10 USD en")
    found = ask(hits, b"/turned")
    assert found is not None
    assert found.endswith(b"10 EUR en")


async def test_what_is_asked_for_all_the_time_is_remembered(bench: Bench) -> None:
    hits = Hits(bench.edge)
    await bench.get("/p/1")
    first = ask(hits, b"/p/1")
    for _ in range(OFTEN + 1):
        assert ask(hits, b"/p/1") == first

    assert hits._shared


async def test_a_page_with_a_visitors_own_part_is_not_taken_for_a_whole_one(
    bench: Bench, origin: ScriptedOrigin
) -> None:
    hits = Hits(bench.edge)
    origin.pages["/p/own"] = shell(b"for ", hole("name"))
    origin.fragments["name"] = lambda seen: seen.cookies["sessionid"].encode()
    for name in ("ann", "bob", "ann"):
        await bench.visitor(sessionid=name).get("/p/own")
    for name in (b"ann", b"bob"):
        found = ask(hits, b"/p/own", (b"cookie", b"sessionid=" + name))
        assert found is not None
        assert found.endswith(b"for " + name)
    assert ask(hits, b"/p/own", (b"cookie", b"sessionid=eve")) is None
    assert ask(hits, b"/p/own") is None


@pytest.mark.parametrize("offer", [(), (b"gzip",), (b"br", b"gzip"), (b"zstd",)])
@pytest.mark.parametrize("status", [200, 404, 299])
@pytest.mark.parametrize("body", [(), (b"short",), (FILLER * 9, b"end")])
def test_an_answer_made_at_once_is_the_one_of_a_page_with_nothing_in_it(
    body: tuple[bytes, ...], status: int, offer: Offer
) -> None:
    page = shell(*body, status=status, headers=[("link", "</a.css>"), ("vary", "DNT")])
    made = made_ready(prepare_shell(page, "http://s/", 1000.0, encodings=("gzip",)), KEYRING)
    assert made.lead
    hit = PageHit(made, Plan(), KEYRING, None, coding=coding_of(made, offer))

    for now in (1000.0, 1017.5):
        slow = b"".join(hit.whole(Own(), now, has_body=True))
        assert b"".join(whole_answer(made, offer, now)) == slow


@pytest.mark.parametrize("part", [CSRF, NONCE, hole("basket")])
def test_nothing_is_made_ready_that_is_anybodys_own(part: Part) -> None:
    prepared = prepare_shell(shell(b"a", part, b"b"), "http://s/", 1000.0)

    assert not made_ready(prepared, KEYRING).is_whole
    assert made_ready(prepared, KEYRING).digest == prepared.digest
    assert not made_ready(prepare_shell(shell(b"a", gate=True), "http://s/", 0.0), KEYRING).lead
    told = Shell(200, (("x-told", (part,)),), (b"a",), 60.0)
    assert not made_ready(prepare_shell(told, "http://s/", 0.0), KEYRING).lead
