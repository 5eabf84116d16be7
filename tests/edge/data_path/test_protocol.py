"""Any method passes, and a connection survives the change of parsers."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator

import pytest
from sockets import edge_before, raw

from origin import Answer, ScriptedOrigin, as_asgi, shell


@pytest.fixture
async def port(origin: ScriptedOrigin) -> AsyncIterator[int]:
    origin.now = time.time
    async with edge_before(as_asgi(origin)) as (port, _):
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
