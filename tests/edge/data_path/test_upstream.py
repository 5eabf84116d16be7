"""Connections to the origin: what is written together, which are used again, TLS, unix sockets."""

from __future__ import annotations

import asyncio
import ssl
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from bench import until

from edge.connection import Connection
from edge.core.outbound import OriginRequest
from edge.counters import Counters
from edge.fetch import Origin, OriginError
from edge.settings import Settings
from edge.tally import Tally
from edge.upstream import Upstream
from edge.wire import Wire

ANSWER = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"


class Transport(asyncio.Transport):
    """Notes what is written."""

    def __init__(self) -> None:
        super().__init__()
        self.written: list[bytes] = []
        self.closed = False

    def write(self, data: Any) -> None:
        self.written.append(bytes(data))

    def is_closing(self) -> bool:
        return self.closed

    def close(self) -> None:
        self.closed = True

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...


def request(body: bytes = b"", method: str = "GET", **extensions: Any) -> httpx.Request:
    fields = {"host": "shop.test"} | ({"content-length": str(len(body))} if body else {})
    return httpx.Request(
        method, "http://shop.test/", headers=fields, stream=httpx.ByteStream(body),
        extensions=extensions,
    )  # fmt: skip


@pytest.fixture
async def line() -> tuple[Connection, Wire, Transport]:
    transport, wire = Transport(), Wire()
    wire.connection_made(transport)
    return Connection(wire), wire, transport


Line = tuple[Connection, Wire, Transport]


async def exchange(line: Line, answer: bytes, sent: httpx.Request | None = None) -> list[bytes]:
    connection, wire, _ = line
    wire.data_received(answer)
    await connection.ask(sent or request())
    return [chunk async for chunk in connection.body(1.0)]


async def test_head_and_body_leave_together(line: Line) -> None:
    assert await exchange(line, ANSWER, request(b"body", "POST")) == [b"ok"]

    written = line[2].written
    assert len(written) == 1
    assert written[0].startswith(b"POST ")
    assert written[0].endswith(b"\r\n\r\nbody")


async def test_information_before_the_answer_is_passed_over(line: Line) -> None:
    early = b"HTTP/1.1 103 Early Hints\r\nlink: </a.css>\r\n\r\n"
    assert await exchange(line, early + ANSWER) == [b"ok"]


async def test_one_exchange_follows_another(line: Line) -> None:
    for _ in range(3):
        assert await exchange(line, ANSWER) == [b"ok"]
        assert await line[0].finish()
    assert not line[2].closed


@pytest.mark.parametrize(
    ("method", "answer"),
    [
        ("HEAD", b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n"),
        ("GET", b"HTTP/1.1 204 No Content\r\n\r\n"),
        ("GET", b"HTTP/1.1 304 Not Modified\r\netag: x\r\n\r\n"),
    ],
)
async def test_an_answer_without_a_body_need_not_be_read(
    line: Line, method: str, answer: bytes
) -> None:
    line[1].data_received(answer)
    await line[0].ask(request(method=method))
    assert await line[0].finish()


@pytest.mark.parametrize(
    "answer",
    [
        ANSWER.replace(b"\r\n\r\n", b"\r\nconnection: close\r\n\r\n"),
        b"HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\nok",
        ANSWER + b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nwrong",
        ANSWER + b" ",
    ],
)
async def test_what_cannot_be_trusted_is_not_used_again(line: Line, answer: bytes) -> None:
    """More than was asked for would be taken for the next request's answer."""
    assert await exchange(line, answer) == [b"ok"]
    assert not await line[0].finish()
    assert line[2].closed


async def test_more_that_comes_later_ends_it_too(line: Line) -> None:
    assert await exchange(line, ANSWER) == [b"ok"]
    assert await line[0].finish()
    assert line[0].is_usable
    line[1].data_received(b"HTTP/1.1 408 Request Timeout\r\n\r\n")
    assert not line[0].is_usable


async def test_a_body_that_was_not_read_is_cut_off(line: Line) -> None:
    line[1].data_received(ANSWER)
    await line[0].ask(request())
    assert not await line[0].finish()
    assert line[2].closed


async def test_an_endless_head_is_refused(line: Line) -> None:
    line[1].data_received(b"HTTP/1.1 200 OK\r\nx: " + b"x" * 200_000)
    with pytest.raises(httpx.RemoteProtocolError):
        await line[0].ask(request())


async def test_a_closed_connection_takes_nothing(line: Line) -> None:
    line[2].close()
    with pytest.raises(httpx.WriteError):
        await line[0].ask(request())
    assert line[2].written == []


async def test_reading_has_a_deadline_and_an_end(line: Line) -> None:
    _, wire, _ = line
    with pytest.raises(httpx.ReadTimeout):
        await wire.read(0.01)
    wire.eof_received()
    assert await wire.read(1.0) == b""


async def test_a_visitor_who_leaves_in_the_middle_ends_the_exchange(line: Line) -> None:
    class Leaving(httpx.AsyncByteStream):
        async def __aiter__(self) -> AsyncIterator[bytes]:
            yield b"a"
            raise LookupError("gone")

    upload = httpx.Request(
        "POST", "http://shop.test/", headers={"host": "a", "content-length": "9"}, stream=Leaving()
    )
    with pytest.raises(LookupError):
        await line[0].ask(upload)


# -- the pool


@dataclass
class Server:
    """Answers with `ANSWER`, or as it is told; `connections` holds the requests of each."""

    connections: list[list[bytes]] = field(default_factory=list)
    hold: asyncio.Event | None = None
    closes: bool = False

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        mine: list[bytes] = []
        self.connections.append(mine)
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                if length := head.partition(b"content-length: ")[2].partition(b"\r\n")[0]:
                    await reader.readexactly(int(length))
                mine.append(head.partition(b" HTTP")[0])
                if self.hold is not None:
                    await self.hold.wait()
                writer.write(ANSWER)
                if self.closes:
                    return
        except asyncio.IncompleteReadError:
            pass
        finally:
            writer.close()


@asynccontextmanager
async def listening(server: Server) -> AsyncIterator[int]:
    async with await asyncio.start_server(server.serve, "127.0.0.1", 0) as listener:
        yield listener.sockets[0].getsockname()[1]


async def ask(upstream: Upstream, port: int, **extensions: Any) -> bytes:
    sent = request(timeout={"pool": 5, "connect": 5, "read": 5}, **extensions)
    sent.url = httpx.URL(f"http://127.0.0.1:{port}/")
    response = await upstream.handle_async_request(sent)
    try:
        return b"".join([chunk async for chunk in response.stream])  # type: ignore[union-attr]
    finally:
        await response.aclose()


async def test_requests_that_come_together_have_each_their_own() -> None:
    server, upstream = Server(hold=asyncio.Event()), Upstream(10, 60.0)
    async with listening(server) as port:
        asking = [asyncio.create_task(ask(upstream, port)) for _ in range(5)]
        await until(lambda: sum(map(len, server.connections)) == 5)
        assert server.hold
        server.hold.set()
        assert await asyncio.gather(*asking) == [b"ok"] * 5
        for _ in range(5):
            await ask(upstream, port)
        await upstream.aclose()

    assert len(server.connections) == 5
    assert sorted(map(len, server.connections)) == [1, 1, 1, 1, 6]  # the one on top


async def test_no_more_than_the_limit_are_under_way() -> None:
    server, upstream = Server(hold=asyncio.Event()), Upstream(1, 60.0)
    async with listening(server) as port:
        first = asyncio.create_task(ask(upstream, port))
        await until(lambda: len(server.connections) == 1)
        late = request(timeout={"pool": 0.01})
        with pytest.raises(httpx.PoolTimeout):
            await upstream.handle_async_request(late)
        assert server.hold
        server.hold.set()
        assert await first == b"ok"
        assert await ask(upstream, port) == b"ok"
        await upstream.aclose()


async def test_who_gives_up_gives_its_place_back() -> None:
    server, upstream = Server(hold=asyncio.Event()), Upstream(1, 60.0)
    async with listening(server) as port:
        for _ in range(3):
            asking = asyncio.create_task(ask(upstream, port))
            count = len(server.connections)
            await until(lambda: len(server.connections) == count + 1)  # noqa: B023
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)
        assert server.hold
        server.hold.set()
        assert await ask(upstream, port) == b"ok"
        await upstream.aclose()


async def test_a_failed_connection_gives_its_place_back() -> None:
    upstream = Upstream(1, 60.0)
    async with listening(Server()) as port:
        pass
    for _ in range(3):
        with pytest.raises(httpx.ConnectError):
            await ask(upstream, port)


async def test_a_fresh_one_is_never_one_that_was_used() -> None:
    server, upstream = Server(), Upstream(10, 60.0)
    async with listening(server) as port:
        await ask(upstream, port)
        await ask(upstream, port, fresh=True)
        await upstream.aclose()

    assert list(map(len, server.connections)) == [1, 1]


async def test_unused_connections_are_closed_in_time() -> None:
    server, upstream = Server(), Upstream(10, 0.05)
    async with listening(server) as port:
        await ask(upstream, port)
        assert len(upstream._idle) == 1
        await until(lambda: not upstream._idle)
        await ask(upstream, port)
        await upstream.aclose()

    assert len(server.connections) == 2


async def test_a_connection_that_the_origin_has_closed_is_not_used_again() -> None:
    server, upstream = Server(closes=True), Upstream(10, 60.0)
    async with listening(server) as port:
        for _ in range(3):
            assert await ask(upstream, port) == b"ok"
            await until(lambda: not any(kept.is_usable for kept in upstream._idle))
        await upstream.aclose()

    assert list(map(len, server.connections)) == [1, 1, 1]


# -- as the edge uses it

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def origin_at(address: str) -> Origin:
    return Origin(Settings(origin=address), None, Tally(Counters()), lambda: 0.0)


async def asked(origin: Origin, body: bytes = b"") -> bytes:
    fields = [(b"host", b"shop.test"), (b"content-length", b"%d" % len(body))]
    response = await origin.send(OriginRequest(b"GET", b"shop.test", b"/", fields, None, body))
    try:
        return await response.read(1000)
    finally:
        await response.aclose()


async def test_a_unix_socket_is_an_origin(tmp_path: Path) -> None:
    server, path = Server(), tmp_path / "origin.socket"
    async with await asyncio.start_unix_server(server.serve, path):
        origin = origin_at(f"unix:{path}")
        assert await asked(origin) == b"ok"
        assert await asked(origin) == b"ok"
        await origin.aclose()

    assert server.connections == [[b"GET /"] * 2]
    gone = origin_at(f"unix:{tmp_path}/none")
    with pytest.raises(OriginError) as failed:
        await asked(gone)
    assert (failed.value.reason, failed.value.reached) == ("connect", False)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("tls")
    key, chain = folder / "key.pem", folder / "chain.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
    command += ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    command += ["-keyout", str(key), "-out", str(chain)]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    return key, chain


async def test_tls(certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """The system's authorities are trusted, or those that SSL_CERT_FILE names; no others."""
    key, chain = certificate
    ours = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    ours.load_cert_chain(chain, key)
    server = Server()
    async with await asyncio.start_server(server.serve, "127.0.0.1", 0, ssl=ours) as listener:
        address = f"https://localhost:{listener.sockets[0].getsockname()[1]}"
        with pytest.raises(OriginError) as failed:
            await asked(origin_at(address))
        monkeypatch.setenv("SSL_CERT_FILE", str(chain))
        origin = origin_at(address)
        assert await asked(origin) == b"ok"
        assert await asked(origin, b"body") == b"ok"
        await origin.aclose()

    assert (failed.value.reason, "CERTIFICATE" in str(failed.value)) == ("connect", True)
    assert [len(requests) for requests in server.connections if requests] == [2]
