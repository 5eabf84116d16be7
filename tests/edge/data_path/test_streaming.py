"""Over real sockets: what leaves when, what is never held in memory, and who is told to stop."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from bench import until
from sockets import edge_before, raw

from origin import Answer, ScriptedOrigin, as_asgi, hole, shell

MIB = 1024 * 1024


@pytest.fixture
async def live(origin: ScriptedOrigin) -> AsyncIterator[tuple[int, Any]]:
    origin.now = time.time
    async with edge_before(as_asgi(origin)) as running:
        yield running


async def test_head_and_literals_leave_before_the_fragment_is_there(
    live: tuple[int, Any], origin: ScriptedOrigin
) -> None:
    port, _ = live
    origin.pages["/"] = shell(b"<before>", hole("slow"), b"<after>")
    origin.fragments["slow"] = b"at last"
    origin.hold["slow"] = asyncio.Event()
    url = f"http://127.0.0.1:{port}/"

    async with (
        httpx.AsyncClient() as client,
        client.stream("GET", url, headers={"cookie": "sessionid=a"}) as response,
    ):
        pieces = response.aiter_text()
        early = await anext(pieces)
        assert early == "<before>"
        assert response.headers["x-accel-buffering"] == "no"
        origin.hold["slow"].set()
        rest = "".join([piece async for piece in pieces])

    assert rest == "at last<after>"


async def test_fragments_leave_in_document_order_as_they_come(
    live: tuple[int, Any], origin: ScriptedOrigin
) -> None:
    port, _ = live
    origin.pages["/"] = shell(hole("one"), b",", hole("two"), b".")
    origin.fragments = {"one": b"1", "two": b"2"}
    origin.hold["two"] = asyncio.Event()
    url = f"http://127.0.0.1:{port}/"

    async with (
        httpx.AsyncClient() as client,
        client.stream("GET", url, headers={"cookie": "sessionid=a"}) as response,
    ):
        pieces = response.aiter_text()
        early = ""
        while early != "1,":
            early += await anext(pieces)
        origin.hold["two"].set()
        assert "".join([piece async for piece in pieces]) == "2."


async def test_a_large_download_streams_and_arrives_whole(
    live: tuple[int, Any], origin: ScriptedOrigin
) -> None:
    port, _ = live
    block = bytes(range(256)) * 4096
    origin.pages["/film"] = Answer(200, [("content-length", str(32 * MIB))], [block] * 32)
    digest = hashlib.sha256()

    async with (
        httpx.AsyncClient() as client,
        client.stream("GET", f"http://127.0.0.1:{port}/film") as response,
    ):
        async for piece in response.aiter_raw():
            digest.update(piece)

    assert digest.digest() == hashlib.sha256(block * 32).digest()
    assert response.headers["content-length"] == str(32 * MIB)


@pytest.mark.parametrize("sized", [True, False])
async def test_an_upload_arrives_whole(
    live: tuple[int, Any], origin: ScriptedOrigin, sized: bool
) -> None:
    port, _ = live
    block = b"x" * MIB
    origin.pages["/upload"] = lambda seen: Answer(201, [], str(len(seen.body)).encode())

    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(8):
            yield block

    headers = {"content-length": str(8 * MIB)} if sized else {}
    async with httpx.AsyncClient() as client:
        response = await client.post(
            f"http://127.0.0.1:{port}/upload", content=pieces(), headers=headers
        )

    assert response.status_code == 201
    assert response.text == str(8 * MIB)
    assert origin.seen[-1].kind is None


async def test_a_client_who_leaves_stops_the_origin(
    live: tuple[int, Any], origin: ScriptedOrigin
) -> None:
    port, edge = live
    origin.pages["/endless"] = Answer(200, [], [b"first", asyncio.Event()])
    request = b"GET /endless HTTP/1.1\r\nHost: a.test\r\n\r\n"
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    await reader.readuntil(b"first")

    writer.close()
    await until(lambda: origin.cut)

    assert edge.tally.clients_gone.total() == 1


async def test_a_visitor_who_leaves_stops_their_bundle(
    live: tuple[int, Any], origin: ScriptedOrigin
) -> None:
    port, edge = live
    origin.pages["/"] = shell(b"<early>", hole("slow"))
    origin.fragments["slow"] = b"never"
    origin.hold["slow"] = asyncio.Event()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET / HTTP/1.1\r\nHost: a.test\r\nCookie: sessionid=a\r\n\r\n")
    await reader.readuntil(b"<early>")

    writer.close()
    await until(lambda: origin.cut)

    assert edge.pending == {}


async def test_an_answer_that_breaks_off_is_not_taken_for_whole(
    live: tuple[int, Any], origin: ScriptedOrigin
) -> None:
    port, _ = live
    origin.pages["/cut"] = Answer(200, [("content-length", "100")], b"only this")

    with pytest.raises(httpx.RemoteProtocolError):
        async with httpx.AsyncClient() as client:
            await client.get(f"http://127.0.0.1:{port}/cut")


async def test_the_target_reaches_the_origin_byte_for_byte(
    live: tuple[int, Any], origin: ScriptedOrigin
) -> None:
    port, _ = live
    for target in ("//a//b", "/a/./b/../c", "/%2e%2e/x%2fy", "/a;b=c?x=%zz&&y", "/A%c3%a9"):
        request = f"GET {target} HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n"
        await raw(port, request.encode())
        assert origin.seen[-1].target == target


async def test_two_visitors_on_one_connection_stay_apart(
    live: tuple[int, Any], origin: ScriptedOrigin
) -> None:
    port, _ = live
    origin.pages["/"] = shell(b"[", hole("name"), b"]")
    origin.fragments["name"] = lambda seen: seen.cookies.get("sessionid", "nobody").encode()
    lines = b"".join(
        b"GET / HTTP/1.1\r\nHost: a.test\r\n%s\r\n" % cookie
        for cookie in (
            b"Cookie: sessionid=ann\r\n",
            b"Cookie: sessionid=bob\r\n",
            b"",
            b"Cookie: sessionid=ann\r\nConnection: close\r\n",
        )
    )

    answer = await raw(port, lines)

    names = [part.split(b"]")[0] for part in _dechunked(answer).split(b"[")[1:]]
    assert names == [b"ann", b"bob", b"nobody", b"ann"]


def _dechunked(answer: bytes) -> bytes:
    """The bytes without chunk framing, good enough for bodies without line ends."""
    return b"".join(line for line in answer.split(b"\r\n") if not line.isdigit())


async def test_an_answer_before_the_upload_is_read_reaches_the_visitor(
    origin: ScriptedOrigin,
) -> None:
    """403 and 413 come early, and the origin closes on what it will not read."""

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        answer = b"HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n"
        if head.startswith(b"POST"):
            answer = (
                b"HTTP/1.1 413 Too large\r\nContent-Length: 7\r\nConnection: close\r\n\r\ntoo big"
            )
        writer.write(answer)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(refuse, "127.0.0.1", 0)
    address = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with (
        edge_before(as_asgi(origin), origin=address) as (port, _),
        httpx.AsyncClient() as client,
    ):
        for body in (b"x" * 3_000_000, b"x" * 100):
            response = await client.post(f"http://127.0.0.1:{port}/form", content=body)
            assert (response.status_code, response.text) == (413, "too big")
    server.close()


async def test_an_upload_that_is_broken_off_stops_at_the_origin(
    live: tuple[int, Any], origin: ScriptedOrigin
) -> None:
    port, edge = live
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(
        b"POST /x HTTP/1.1\r\nHost: a.test\r\nContent-Length: 9000000\r\n\r\n" + b"x" * 70_000
    )
    await writer.drain()
    await until(lambda: edge.tally.origin_requests.values.get(("pass",)))

    writer.close()
    await until(lambda: edge.tally.clients_gone.total())

    assert edge.active == 0
    assert not [seen for seen in origin.seen if seen.method == "POST"]
