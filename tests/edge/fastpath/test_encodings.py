"""br and zstd: for pages that are the same for everybody, from the second request on."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Callable

import brotli
import pytest
import zstandard
from bench import Bench, until
from lines import Answer, Lines, parsed, request

from edge.core.encoding import encoded, wanted
from edge.core.negotiation import Offer
from edge.core.prepared import PreparedShell, prepare_shell
from edge.core.purge import Invalidation
from fragments.csrf import CSRF
from fragments.shell import NONCE, Part
from origin import ScriptedOrigin, hole, shell

TEXT = b"<li>An item that is like all others</li>" * 50
ALL = "Accept-Encoding: gzip, br, zstd"
DECODERS: dict[str, Callable[[bytes], bytes]] = {
    "br": brotli.decompress,
    "zstd": lambda data: zstandard.ZstdDecompressor().decompressobj().decompress(data),
}


@pytest.fixture
async def bench(origin: ScriptedOrigin) -> AsyncIterator[Bench]:
    async with Bench(origin) as running:
        yield running


@pytest.fixture(autouse=True)
def _pages(origin: ScriptedOrigin) -> None:
    origin.routes("^/")
    origin.pages["/whole"] = shell(TEXT)


async def ask(lines: Lines, *fields: str, target: str = "/whole", method: str = "GET") -> Answer:
    data = await lines.fast().ask(request(target, *fields, method=method))
    return parsed(data, is_head=method == "HEAD")[0]


def made(lines: Lines) -> float:
    return lines.bench.edge.tally.encoded.total()


async def warmed(lines: Lines, coding: str) -> None:
    await ask(lines, f"Accept-Encoding: {coding}")
    await ask(lines, f"Accept-Encoding: {coding}")
    await until(lambda: made(lines))


@pytest.mark.parametrize("coding", ["br", "zstd"])
async def test_the_second_who_asks_brings_it_about(lines: Lines, coding: str) -> None:
    first = await ask(lines, f"Accept-Encoding: {coding}")
    assert (first["content-encoding"], first.body) == (None, TEXT)
    assert made(lines) == 0

    second = await ask(lines, f"Accept-Encoding: {coding}")
    assert second.body == TEXT
    await until(lambda: made(lines))
    found = lines.hits.found
    third = await ask(lines, f"Accept-Encoding: {coding}")

    assert third["content-encoding"] == coding
    assert DECODERS[coding](third.body) == TEXT
    assert third["content-length"] == str(len(third.body))
    assert third["vary"] == "accept-encoding"
    assert lines.hits.found == found + 1
    assert lines.bench.edge.tally.encoded.values == {(coding,): 1}


async def test_both_paths_say_the_same(lines: Lines) -> None:
    await warmed(lines, "br")
    for method in ("GET", "HEAD"):
        sent = request("/whole", ALL, method=method)
        fast, slow = await lines.fast().ask(sent), await lines.slow().ask(sent)
        assert fast == slow
        assert parsed(fast, is_head=method == "HEAD")[0]["content-encoding"] == "br"


async def test_each_visitor_gets_what_they_take(lines: Lines) -> None:
    await warmed(lines, "br")
    codings = {
        field: (await ask(lines, *([f"Accept-Encoding: {field}"] if field else [])))[
            "content-encoding"
        ]
        for field in ("", "gzip", "br;q=0, gzip", "br;q=0.1, gzip", "br", "gzip, br", "identity")
    }

    assert codings == {
        "": None,
        "gzip": "gzip",
        "br;q=0, gzip": "gzip",
        "br;q=0.1, gzip": "gzip",
        "br": "br",
        "gzip, br": "br",
        "identity": None,
    }


async def test_one_weak_tag_holds_for_every_coding(lines: Lines) -> None:
    """RFC 9110 §8.8.1: what is the same but for its coding may share a weak validator."""
    await warmed(lines, "br")
    tag = (await ask(lines))["etag"]
    assert tag is not None
    assert tag.startswith('W/"')
    assert (await ask(lines, ALL))["etag"] == tag

    again = await ask(lines, ALL, f"If-None-Match: {tag}")
    assert (again.status, again["vary"]) == (304, "accept-encoding")


async def test_what_was_renewed_or_purged_meanwhile_is_left_alone(
    lines: Lines, origin: ScriptedOrigin
) -> None:
    edge = lines.bench.edge
    await warmed(lines, "br")
    edge.apply(Invalidation(everything=True))
    origin.pages["/whole"] = shell(TEXT.replace(b"item", b"other"))

    answer = await ask(lines, "Accept-Encoding: br")
    assert answer["content-encoding"] is None
    await ask(lines, "Accept-Encoding: br")
    edge.apply(Invalidation(everything=True))  # while it is being made
    await until(lambda: not edge.encoder.is_busy)

    assert made(lines) == 1
    assert b"other" in (await ask(lines, "Accept-Encoding: br")).body


async def test_memory_is_counted(lines: Lines) -> None:
    await ask(lines)
    shells = lines.bench.edge.memory.shells
    before = shells.bytes
    await warmed(lines, "br")
    answer = await ask(lines, "Accept-Encoding: br")

    assert shells.bytes >= before + len(answer.body)


async def test_it_can_be_limited_or_turned_off(origin: ScriptedOrigin) -> None:
    for names, expected in ((("gzip",), "gzip"), ((), None)):
        async with Bench(origin, encodings=names) as bench:
            lines = Lines(bench)
            for _ in range(3):
                assert (await ask(lines, ALL))["content-encoding"] == expected
            assert not bench.edge.encoder.is_busy
            assert made(lines) == 0


BROTLI: Offer = (b"br", b"gzip")


def prepared(*body: Part, **declared: object) -> PreparedShell:
    page = shell(*body, **declared)  # type: ignore[arg-type]
    return prepare_shell(page, "http://shop.test/", 0.0, encodings=("br", "zstd", "gzip"))


@pytest.mark.parametrize(
    "page",
    [
        pytest.param(prepared(TEXT, CSRF), id="a token"),
        pytest.param(prepared(TEXT, NONCE), id="a nonce"),
        pytest.param(prepared(TEXT, hole("own")), id="a private fragment"),
        pytest.param(prepared(TEXT, hole("news", scope="public")), id="any fragment"),
        pytest.param(prepared(TEXT, gate=True), id="a gate"),
        pytest.param(prepared(b"short"), id="nothing to gain"),
        pytest.param(prepared(TEXT, headers=[("content-encoding", "br")]), id="coded already"),
        pytest.param(
            prepared(TEXT, headers=[("cache-control", "no-transform")]), id="no-transform"
        ),
    ],
)
def test_nothing_else_is_made(page: PreparedShell) -> None:
    assert wanted(page, BROTLI) is None


def test_only_the_best_is_made_and_only_once() -> None:
    page = prepared(TEXT)
    assert wanted(page, BROTLI) == b"br"
    assert wanted(page, (b"gzip", b"br")) is None
    assert wanted(page, ()) is None
    assert wanted(encoded(page, b"br"), BROTLI) is None


def test_what_becomes_no_smaller_is_remembered_as_such() -> None:
    noise = b"".join(b"%x" % (n * n * 2654435761 % 2**64) for n in range(40))
    page = encoded(prepared(noise), b"br")

    assert len(noise) > 256
    small = len(brotli.compress(noise, quality=6)) < len(noise)
    assert (b"br" in page.to_be_had) is small
    assert wanted(page, BROTLI) is None

    hard = random.Random(7).randbytes(400)
    assert encoded(prepared(hard), b"br").to_be_had == {b"gzip"}
