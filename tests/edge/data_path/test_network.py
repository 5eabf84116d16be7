"""The sockets to the origin: what is written together, what a dead connection shows, TLS, unix."""

from __future__ import annotations

import asyncio
import ssl
import subprocess
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpcore
import pytest
from bench import until

from edge.core.outbound import OriginRequest
from edge.counters import Counters
from edge.duplex import Wire
from edge.fetch import Origin, OriginError
from edge.network import WRITE_AT_ONCE, Backend, Stream
from edge.settings import Settings
from edge.tally import Tally


class Transport(asyncio.Transport):
    """Notes what is written."""

    def __init__(self) -> None:
        super().__init__({"peername": ("origin", 80)})
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


@pytest.fixture
async def connection() -> tuple[Stream, Wire, Transport]:
    transport, wire = Transport(), Wire()
    wire.connection_made(transport)
    return Stream(wire), wire, transport


Connection = tuple[Stream, Wire, Transport]


async def test_head_and_body_leave_together(connection: Connection) -> None:
    stream, wire, transport = connection
    await stream.write(b"head,")
    await stream.write(b"")
    await stream.write(b"body")
    assert transport.written == []
    wire.data_received(b"answer")

    assert await stream.read(65536, 1.0) == b"answer"
    assert transport.written == [b"head,body"]


async def test_what_nobody_waits_for_leaves_all_the_same(connection: Connection) -> None:
    stream, _, transport = connection
    await stream.write(b"head")
    await asyncio.sleep(0)
    await stream.write(b"piece")
    await asyncio.sleep(0)

    assert transport.written == [b"head", b"piece"]


async def test_much_leaves_at_once(connection: Connection) -> None:
    stream, _, transport = connection
    await stream.write(b"x" * WRITE_AT_ONCE)
    assert list(map(len, transport.written)) == [WRITE_AT_ONCE]


async def test_writing_waits_while_the_origin_takes_no_more(connection: Connection) -> None:
    stream, wire, transport = connection
    wire.pause_writing()
    with pytest.raises(httpcore.WriteTimeout, match=r"nothing was taken for 0\.01 s"):
        await stream.write(b"one", 0.01)
    waiting = asyncio.create_task(stream.write(b"two", 30))
    await asyncio.sleep(0)
    assert not waiting.done()
    wire.resume_writing()
    await waiting
    await asyncio.sleep(0)

    assert b"".join(transport.written) == b"onetwo"


async def test_a_closed_connection_takes_nothing(connection: Connection) -> None:
    stream, _, transport = connection
    await stream.write(b"unsent")
    await stream.aclose()
    await asyncio.sleep(0)

    assert transport.closed
    assert transport.written == []
    with pytest.raises(httpcore.WriteError):
        await stream.write(b"more")


async def test_reading_has_a_deadline_and_an_end(connection: Connection) -> None:
    stream, wire, _ = connection
    with pytest.raises(httpcore.ReadTimeout):
        await stream.read(65536, 0.01)
    wire.eof_received()
    assert await stream.read(65536, 1.0) == b""


@pytest.mark.parametrize(
    "happens",
    [
        lambda wire: wire.eof_received(),
        lambda wire: wire.connection_lost(ConnectionResetError()),
        lambda wire: wire.data_received(b"HTTP/1.1 408 Request Timeout\r\n\r\n"),
    ],
)
async def test_a_dead_connection_is_seen_before_it_is_used(
    connection: Connection, happens: Callable[[Wire], object]
) -> None:
    stream, wire, _ = connection
    assert stream.get_extra_info("is_readable") is False
    assert stream.get_extra_info("peername") == ("origin", 80)
    happens(wire)
    assert stream.get_extra_info("is_readable") is True


ANSWER = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"

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
    connections: list[list[bytes]] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.append([])
        while True:
            try:
                head = await reader.readuntil(b"\r\n\r\n")
            except asyncio.IncompleteReadError:
                writer.close()
                return
            connections[-1].append(head.partition(b"\r\n")[0])
            writer.write(ANSWER)

    path = tmp_path / "origin.socket"
    async with await asyncio.start_unix_server(serve, path):
        origin = origin_at(f"unix:{path}")
        assert await asked(origin) == b"ok"
        assert await asked(origin) == b"ok"
        await origin.aclose()

    assert connections == [[b"GET / HTTP/1.1"] * 2]
    gone = origin_at(f"unix:{tmp_path}/none")
    with pytest.raises(OriginError) as failed:
        await asked(gone)
    assert (failed.value.reason, failed.value.reached) == ("connect", False)


async def test_a_connection_that_the_origin_has_closed_is_not_used_again() -> None:
    requests = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal requests
        await reader.readuntil(b"\r\n\r\n")
        requests += 1
        writer.write(ANSWER)
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        origin = origin_at(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
        for _ in range(3):
            # with a body it would not be sent a second time
            assert await asked(origin, b"x") == b"ok"
            pool = origin._transport._pool  # type: ignore[attr-defined]
            await until(lambda: all(kept.has_expired() for kept in pool.connections))  # noqa: B023
        await origin.aclose()

    assert requests == 3


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("tls")
    key, chain = folder / "key.pem", folder / "chain.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
    command += ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    command += ["-keyout", str(key), "-out", str(chain)]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    return key, chain


async def test_tls(certificate: tuple[Path, Path]) -> None:
    key, chain = certificate
    ours = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    ours.load_cert_chain(chain, key)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"heard " + await reader.readexactly(4))
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0, ssl=ours) as server:
        port = server.sockets[0].getsockname()[1]
        plain = await Backend().connect_tcp("127.0.0.1", port, 30)
        theirs = ssl.create_default_context(cafile=str(chain))
        stream = await plain.start_tls(theirs, "localhost", 30)
        await stream.write(b"te")
        await stream.write(b"st")
        heard = await stream.read(65536, 30)
        assert stream.get_extra_info("ssl_object") is not None
        await stream.aclose()

        with pytest.raises(OriginError) as failed:
            await asked(origin_at(f"https://localhost:{port}"))

    assert heard == b"heard test"
    assert (failed.value.reason, "CERTIFICATE" in str(failed.value)) == ("connect", True)
