"""Any method passes, and a connection survives the change of parsers."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

import pytest
from sockets import edge_before, raw

from origin import Answer, ScriptedOrigin, as_asgi, shell


@pytest.fixture(params=[True, False], ids=["fast", "slow"])
async def port(origin: ScriptedOrigin, request: pytest.FixtureRequest) -> AsyncIterator[int]:
    origin.now = time.time
    async with edge_before(as_asgi(origin), fast_path=request.param) as (port, _):
        yield port


async def test_an_unknown_method_passes_with_its_body(port: int, origin: ScriptedOrigin) -> None:
    origin.pages["/x"] = lambda seen: Answer(200, [], seen.method.encode() + b" " + seen.body)

    answer = await raw(
        port,
        b"FROBNICATE /x HTTP/1.1\r\nHost: a.test\r\nContent-Length: 3\r\n"
        b"Connection: close\r\n\r\nabc",
    )

    assert answer.startswith(b"HTTP/1.1 200")
    assert b"FROBNICATE abc" in answer


async def test_known_methods_go_on_after_an_unknown_one(port: int, origin: ScriptedOrigin) -> None:
    origin.pages["/x"] = Answer(204)
    origin.pages["/page"] = shell(b"<page>")

    answer = await raw(
        port,
        b"FROB /x HTTP/1.1\r\nHost: a.test\r\n\r\n"
        b"GET /page HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n",
    )

    assert answer.count(b"HTTP/1.1 ") == 2
    assert answer.endswith(b"<page>")


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"FROB\t/x HTTP/1.1\r\nHost: a.test\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 /",
        b"FROB /x HTTP/1.1\r\nHost: a.test\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabc",
        b"FROB /x HTTP/1.1\r\nHost : a.test\r\n\r\n",
        b"GET /x HTTP/1.1\r\nHost: a.test\r\nContent-Length: +3\r\n\r\nabc",
    ],
)
async def test_what_is_no_request_is_refused(
    port: int, origin: ScriptedOrigin, request_bytes: bytes
) -> None:
    before = len(origin.seen)

    answer = await raw(port, request_bytes)

    assert answer.startswith(b"HTTP/1.1 400")
    assert len(origin.seen) == before


@pytest.mark.parametrize(
    ("target", "host"),
    [(b"http://other.test/x", "other.test"), (b"HTTP://OTHER.test:80/x", "other.test")],
)
async def test_an_absolute_target_overrules_host(
    port: int, origin: ScriptedOrigin, target: bytes, host: str
) -> None:
    origin.pages["/x"] = Answer(204)

    await raw(port, b"GET %s HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n" % target)

    assert origin.seen[-1]["host"] == host


async def test_a_user_in_an_absolute_target_is_refused(port: int, origin: ScriptedOrigin) -> None:
    request = b"GET http://a.test@evil.test/ HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n"

    assert (await raw(port, request)).startswith(b"HTTP/1.1 400")


async def test_an_empty_query_is_not_none(port: int, origin: ScriptedOrigin) -> None:
    origin.pages["/x"] = Answer(200, [("cache-control", "max-age=60")], b"x")
    hits = []
    for target in (b"/x", b"/x?", b"/x?a", b"/x?", b"/x"):
        request = b"GET %s HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n" % target
        hits.append(b"twopass;hit" in await raw(port, request))

    assert hits == [False, False, False, True, True]


@pytest.mark.parametrize("trailer", [b"Cookie: a=1", b"Authorization: x", b"Host: evil.test"])
async def test_trailers_are_no_header_fields(
    port: int, origin: ScriptedOrigin, trailer: bytes
) -> None:
    origin.pages["/x"] = lambda seen: Answer(200, [], repr(sorted(seen.headers)).encode())
    answer = await raw(
        port,
        b"POST /x HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n"
        b"\r\n3\r\nabc\r\n0\r\n" + trailer + b"\r\n\r\n",
    )

    assert answer.startswith(b"HTTP/1.1 200")
    assert b"('host', 'a.test')" in answer
    assert trailer.partition(b": ")[2] + b"'" not in answer


async def test_a_body_is_sent_when_the_edge_says_to(port: int, origin: ScriptedOrigin) -> None:
    origin.pages["/x"] = lambda seen: Answer(200, [], b"got " + seen.body)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(
        b"POST /x HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\nContent-Length: 4\r\n"
        b"Expect: 100-continue\r\n\r\n"
    )
    async with asyncio.timeout(30):
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 100 ")
        writer.write(b"body")
        answer = await reader.read(-1)
    writer.close()

    assert answer.startswith(b"HTTP/1.1 200")
    assert b"got body" in answer
    assert [seen["expect"] for seen in origin.seen if seen.target == "/x"] == [None]


async def test_events_of_a_server_leave_as_they_come(port: int, origin: ScriptedOrigin) -> None:
    second = asyncio.Event()
    fields = [("content-type", "text/event-stream"), ("cache-control", "no-cache")]
    origin.pages["/x"] = Answer(200, fields, [b"data: 1\n\n", second, b"data: 2\n\n"])
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET /x HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n")
    async with asyncio.timeout(30):
        assert b"data: 1" in await reader.readuntil(b"data: 1\n\n")
        second.set()
        assert b"data: 2" in await reader.read(-1)
    writer.close()
