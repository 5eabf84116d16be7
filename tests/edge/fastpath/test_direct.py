"""Stored responses found by the bytes of the request line: only where those say what a key says."""

from __future__ import annotations

import pytest
from bench import Bench

from edge.core.cache_status import CacheStatus
from edge.core.exchange import remaining
from edge.core.facts import Facts
from edge.core.hit import head, simple_answer
from edge.core.messages import RequestHead
from edge.core.purge import Labels
from edge.core.stored import StoredResponse, reply
from edge.hits import Hits
from origin import Answer, ScriptedOrigin

TEXT = Answer(200, [("cache-control", "max-age=60"), ("etag", '"v1"')], b"plain")


def ask(
    hits: Hits, target: bytes = b"/a.css", *fields: tuple[bytes, bytes], host: bytes = b"shop.test"
) -> bytes | None:
    pieces = hits.answer(b"GET", b"http", "127.0.0.1", target, [(b"host", host), *fields])
    return None if pieces is None else b"".join(pieces)


@pytest.fixture
async def hits(bench: Bench, origin: ScriptedOrigin) -> Hits:
    for path in ("/a.css", "//a.css", "/a.css/b"):
        origin.pages[path] = TEXT
    for path in ("/a.css", "/a.css/b"):
        assert (await bench.get(path)).text == "plain"
    return Hits(bench.edge)


async def test_what_is_held_is_found_and_nothing_is_remembered(hits: Hits) -> None:
    for _ in range(3):
        found = ask(hits)
        assert found is not None
        assert found.endswith(b"\r\n\r\nplain")
        assert b"cache-status: twopass;hit;ttl=" in found
    assert not hits._addresses
    assert not hits._shared


async def test_conditions_are_answered(hits: Hits) -> None:
    found = ask(hits, b"/a.css", (b"if-none-match", b'"v1"'))
    assert found is not None
    assert found.startswith(b"HTTP/1.1 304 ")
    assert ask(hits, b"/a.css", (b"range", b"bytes=0-1")) is None


@pytest.mark.parametrize(
    ("host", "target"),
    [
        (b"shop.test/", b"a.css"),
        (b"shop.test", b"a.css"),
        (b"shop.test/a.css", b""),
        (b"shop.test/a.css", b"/b"),
        (b"shop.tes", b"t/a.css"),
        (b"other.test", b"/a.css"),
        (b"shop.test", b"//a.css"),
        (b"shop.test", b"/a.css#x"),
        (b"", b"shop.test/a.css"),
    ],
)
async def test_no_other_cut_of_the_same_bytes_finds_it(
    hits: Hits, host: bytes, target: bytes
) -> None:
    assert ask(hits, target, host=host) is None


async def test_a_page_of_that_path_comes_first(
    bench: Bench, origin: ScriptedOrigin, hits: Hits
) -> None:
    assert hits._direct.response(b"http://shop.test", b"/a.css", bench.edge.clock()) is not None
    bench.edge.memory.marks.clear()
    bench.edge.memory.marks.set(b"http://shop.test/a.css", "guard")

    assert hits._direct.response(b"http://shop.test", b"/a.css", bench.edge.clock()) is None


async def test_nothing_purged_stale_or_bypassed_is_found(bench: Bench, hits: Hits) -> None:
    assert ask(hits) is not None
    bench.purge(urls=("http://shop.test/a.css",))
    assert ask(hits) is None


async def test_use_here_counts_as_use_for_eviction(bench: Bench, hits: Hits) -> None:
    responses = bench.edge.memory.responses
    for _ in range(3):
        assert ask(hits) is not None

    assert responses._entries[b"http://shop.test/a.css"].uses >= 2


@pytest.mark.parametrize("status", [200, 301, 404, 299])
@pytest.mark.parametrize("nearer", [None, b"inner; hit"])
def test_a_head_made_at_once_is_the_one_that_a_reply_has(status: int, nearer: bytes | None) -> None:
    request = RequestHead(b"GET", b"http", b"shop.test", b"/a", [])
    facts = Facts(status, 1000.0, 1060.0, 1060.0, 1060.0)
    headers = ((b"content-type", b"text/plain"), (b"date", b"today"))
    stored = StoredResponse(
        b"http://shop.test/a", facts, headers, b"x" * 123, Labels(""), nearer, 1, is_simple=True
    )
    answer = reply(stored, request, CacheStatus(ttl=remaining(facts, 1005.5)), 1005.5)

    assert simple_answer(stored, request, 1005.5) == (
        status,
        [head(answer.status, answer.headers), answer.body],
    )
