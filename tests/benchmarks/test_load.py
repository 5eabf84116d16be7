"""The load's own instruments: a rate of failures is no result."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from benchmarks.load.client import Visitor
from benchmarks.load.wrk import _parse, added, in_turn, together

REPORT = "RESULT 1000 2000000 150.0 900.0 1500.0 10240000\nERRORS {} 0 0 0 0\n"


def test_wrk_is_understood() -> None:
    assert _parse(REPORT.format(0)) == (
        1000,
        {
            "requests_per_second": 500.0,
            "p50_ms": 0.15,
            "p99_ms": 0.9,
            "max_ms": 1.5,
            "bytes_per_response": 10240.0,
        },
    )


@pytest.mark.parametrize("output", ["", "RESULT 1", REPORT.format(3), REPORT.replace("1000", "0")])
def test_failed_requests_are_no_result(output: str) -> None:
    with pytest.raises(RuntimeError):
        _parse(output.format(0))


def test_visitors_of_wrk_take_turns_and_ask_for_every_path() -> None:
    script = in_turn(["a=1", "b=2"], ["/page/", "/own/"])

    assert 'cookies, paths, requests, turn = {"a=1", "b=2"}, {"/page/", "/own/"}, {}, 0' in script


def test_a_page_and_its_scripts_request_are_one() -> None:
    row = {**_parse(REPORT.format(0))[1], "client_busy": 0.5, "origin_requests_per_page": 0.5}

    assert together(row, 2) == {
        "requests_per_second": 250.0,
        "bytes_per_response": 20480.0,
        "client_busy": 0.5,
        "origin_requests_per_page": 1.0,
    }


def test_what_an_origin_has_heard_is_told_for_each_page() -> None:
    assert added({"requests": 7, "views": 7}, {"requests": 27, "views": 7}, 10) == {
        "requests_per_page": 2.0,
        "views_per_page": 0.0,
    }


class Server:
    """Answers from a list, then closes."""

    def __init__(self, *answers: bytes) -> None:
        self.answers = list(answers)
        self.requests: list[bytes] = []

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while self.answers:
            self.requests.append(await reader.readuntil(b"\r\n\r\n"))
            answer = self.answers.pop(0)
            writer.write(answer)
            if b"close" in answer:
                break
        writer.close()


@pytest.fixture
async def serve() -> AsyncIterator[object]:
    started: list[asyncio.Server] = []

    async def start(server: Server) -> str:
        listener = await asyncio.start_server(server, "127.0.0.1", 0)
        started.append(listener)
        return f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}"

    yield start
    for listener in started:
        listener.close()


async def test_a_visitor_keeps_cookies_and_reads_chunks(serve: object) -> None:
    server = Server(
        b"HTTP/1.1 200 OK\r\nSet-Cookie: a=1; Path=/\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n",
        b"HTTP/1.1 302 Found\r\nSet-Cookie: a=; Max-Age=0\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nto the end",
    )
    visitor = Visitor(await serve(server))  # type: ignore[operator]
    pages = [await visitor.get("/1"), await visitor.get("/2"), await visitor.get("/3")]
    await visitor.close()

    assert [(page.status, page.body) for page in pages] == [
        (200, b"abcde"),
        (302, b""),
        (200, b"to the end"),
    ]
    assert [b"Cookie: a=1" in request for request in server.requests] == [False, True, False]


async def test_a_cut_response_is_an_error(serve: object) -> None:
    server = Server(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort close")
    server.answers = [b"HTTP/1.1 200 OK\r\nX: close\r\nContent-Length: 10\r\n\r\nshort"]
    visitor = Visitor(await serve(server))  # type: ignore[operator]

    with pytest.raises(ConnectionResetError):
        await visitor.get("/")
