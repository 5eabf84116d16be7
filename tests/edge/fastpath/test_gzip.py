"""Pages for visitors who take gzip: whole, streamed, from memory, and never at a secret's cost."""

from __future__ import annotations

import asyncio
import zlib
from dataclasses import replace

import pytest
from bench import Bench, RawExchange, until
from lines import Answer, Lines, parsed, request

from fragments.csrf import CSRF, unmask
from fragments.shell import NONCE
from origin import Frame, ScriptedOrigin, hole, shell

TEXT = b"<li>An item that is like all others</li>" * 50
SECRET = "s" * 32
ANN = f"Cookie: sessionid=ann; csrftoken={SECRET}"
GZIP = "Accept-Encoding: gzip, deflate"


@pytest.fixture(autouse=True)
def _pages(origin: ScriptedOrigin) -> None:
    origin.routes("^/")
    origin.pages["/whole"] = shell(TEXT, headers=[("vary", "Accept"), ("etag", "x")])
    origin.pages["/mixed"] = shell(
        TEXT, hole("own"), TEXT, CSRF, NONCE, hole("news", scope="public"), CSRF
    )
    origin.fragments["own"] = b"only for ann, in so many words"
    origin.fragments["news"] = Frame(0, 200, (b"news " * 100, CSRF), scope="public", max_age=60.0)


def plain(answer: Answer) -> bytes:
    assert answer["content-encoding"] == "gzip"
    return zlib.decompress(answer.body, wbits=31)


async def ask(lines: Lines, target: str, *fields: str) -> Answer:
    return parsed(await lines.fast().ask(request(target, *fields)))[0]


@pytest.mark.parametrize("held", range(4))
async def test_the_document_is_the_same_compressed(lines: Lines, held: int) -> None:
    for _ in range(held):
        await ask(lines, "/mixed", ANN, GZIP)

    answer = await ask(lines, "/mixed", ANN, GZIP)

    text = plain(answer)
    start = TEXT + b"only for ann, in so many words" + TEXT
    token = text[len(start) : len(start) + 64]
    assert text.startswith(start)
    assert unmask(token.decode()) == SECRET
    assert text.endswith(b"news " * 100 + token + token)
    assert answer["vary"] == "accept-encoding"
    assert answer["cache-control"] == "private, no-cache"
    assert (answer["etag"] is None) or NONCE not in text
    assert lines.hits.found == held


async def test_who_takes_no_gzip_gets_none(lines: Lines) -> None:
    for coding in ("Accept-Encoding: br", "Accept-Encoding: gzip;q=0", "Accept: */*"):
        for _ in range(2):
            answer = await ask(lines, "/whole", coding)
            assert (answer["content-encoding"], answer.body) == (None, TEXT)
            assert answer["vary"] == "Accept, accept-encoding"


async def test_whole_pages_are_smaller_and_have_one_tag(lines: Lines) -> None:
    await ask(lines, "/whole")
    compressed, other = await ask(lines, "/whole", GZIP), await ask(lines, "/whole")

    again = await ask(lines, "/whole", GZIP, f"If-None-Match: {other['etag']}")

    assert len(compressed.body) < len(TEXT) / 10
    assert compressed["content-length"] == str(len(compressed.body))
    assert compressed["etag"] == other["etag"]
    assert (again.status, again["content-encoding"]) == (304, None)


async def test_secrets_are_not_compressed(lines: Lines) -> None:
    """Neither tokens nor what is one visitor's shares a block with anything."""
    for _ in range(3):
        answer = await ask(lines, "/mixed", ANN, GZIP)

        assert b"only for ann, in so many words" in answer.body
        assert plain(answer)[-64:] in answer.body
        assert b"news news" not in answer.body or lines.hits.found == 0


@pytest.mark.parametrize("change", ["no-transform", "coding", "image", "short"])
async def test_what_gains_nothing_is_left_alone(
    lines: Lines, origin: ScriptedOrigin, change: str
) -> None:
    headers = {
        "no-transform": [("cache-control", "max-age=9, no-transform")],
        "coding": [("content-encoding", "br")],
        "image": [],
        "short": [],
    }
    page = shell(TEXT if change != "short" else b"short", headers=headers[change])
    if change == "image":
        page = replace(page, headers=(("content-type", (b"image/png",)),))
    origin.pages["/it"] = page

    for _ in range(2):
        answer = await ask(lines, "/it", GZIP)
        assert answer.body == (TEXT if change != "short" else b"short")
        assert answer["vary"] is None


async def test_it_can_be_turned_off(origin: ScriptedOrigin) -> None:
    async with Bench(origin, encodings=()) as bench:
        for _ in range(2):
            answer = await ask(Lines(bench), "/mixed", ANN, GZIP)
            assert answer["content-encoding"] is None
            assert answer["vary"] is None


async def test_pieces_can_be_read_as_they_come(bench: Bench, origin: ScriptedOrigin) -> None:
    """A browser shows what stands before a slow fragment before that fragment is there."""
    origin.hold["own"] = asyncio.Event()
    await bench.get("/mixed")
    fields = [("accept-encoding", "gzip"), ("cookie", "sessionid=bob")]
    exchange = RawExchange(bench, "GET", "/mixed", headers=fields)
    running = asyncio.create_task(exchange.run())
    await until(lambda: any(exchange.pieces))

    reader = zlib.decompressobj(wbits=31)
    first = reader.decompress(b"".join(exchange.pieces))
    origin.hold["own"].set()
    await running

    assert first == TEXT
    assert zlib.decompress(b"".join(exchange.pieces), wbits=31).startswith(TEXT + b"only for ann")


async def test_head_has_the_length_of_get(lines: Lines) -> None:
    await ask(lines, "/whole", GZIP)
    for line in (lines.fast(), lines.slow()):
        data = await line.ask(request("/whole", GZIP, method="HEAD"))
        head = parsed(data, is_head=True)[0]
        got = await ask(lines, "/whole", GZIP)

        assert head["content-length"] == got["content-length"]
        assert head["content-encoding"] == "gzip"
