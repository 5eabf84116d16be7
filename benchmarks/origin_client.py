"""What one request to the origin costs the edge, by who sends it: for "why this client" in docs.

    python -m benchmarks.origin_client [--requests 2000] [--size 10000]

A process of its own answers each request with a body of that size, in two pieces as frames come;
connections are kept. Counted is the processor's time of this side alone, so that a busy machine
does not show. h11 and httptools are read by hand over asyncio: the least that any client could be,
without pool, deadlines, retries and limits.
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import time
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, Final

import h11
import httpcore
import httptools
import httpx
import uvloop

from edge.core.outbound import OriginRequest
from edge.counters import Counters
from edge.fetch import Origin
from edge.settings import Settings
from edge.tally import Tally

HEADERS: Final = [
    (b"host", b"shop.example"),
    (b"user-agent", b"Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Firefox/140.0"),
    (b"accept-language", b"en,de;q=0.7"),
    (b"cookie", b"sessionid=0123456789abcdef0123456789abcdef; consent=yes"),
    (b"x-forwarded-for", b"192.0.2.1"),
    (b"x-forwarded-proto", b"https"),
    (b"via", b"1.1 twopass"),
    (b"content-length", b"600"),
]
BODY: Final = b"b" * 600

Send = Callable[[], Awaitable[int]]
"""One request; gives the bytes of the answer's body."""


class _Answering(asyncio.Protocol):
    """Answers whatever request is complete, without looking at it."""

    size = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: Any = transport
        self._left = 0
        self._parser = httptools.HttpRequestParser(self)

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_message_complete(self) -> None:
        half = self.size // 2
        head = b"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ntransfer-encoding: chunked\r\n\r\n"
        self._transport.write(head + b"%x\r\n%b\r\n" % (half, b"x" * half))
        rest = self.size - half
        self._transport.write(b"%x\r\n%b\r\n0\r\n\r\n" % (rest, b"x" * rest))


def _serve(size: int, told: Any) -> None:
    _Answering.size = size

    async def main() -> None:
        server = await asyncio.get_running_loop().create_server(_Answering, "127.0.0.1", 0)
        told.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    uvloop.run(main())


def _target(port: int) -> str:
    return f"http://127.0.0.1:{port}"


@asynccontextmanager
async def the_edges(port: int) -> Any:
    """All that the edge does: deadline, health, counters, errors mapped, pool."""
    origin = Origin(Settings(origin=_target(port)), None, Tally(Counters()), time.time)

    async def send() -> int:
        request = OriginRequest(b"POST", b"shop.example", b"/x", HEADERS, None, BODY)
        response = await origin.send(request)
        size = 0
        async for chunk in response.chunks():
            size += len(chunk)
        await response.aclose()
        return size

    yield send
    await origin.aclose()


@asynccontextmanager
async def httpx_client(port: int) -> Any:
    """As most would use httpx."""
    async with httpx.AsyncClient(trust_env=False) as client:

        async def send() -> int:
            size = 0
            async with client.stream(
                "POST", _target(port) + "/x", headers=HEADERS, content=BODY
            ) as response:
                async for chunk in response.aiter_raw():
                    size += len(chunk)
            return size

        yield send


@asynccontextmanager
async def httpcore_pool(port: int) -> Any:
    """The layer below httpx."""
    async with httpcore.AsyncConnectionPool() as pool:

        async def send() -> int:
            size = 0
            async with pool.stream(
                b"POST", _target(port) + "/x", headers=HEADERS, content=BODY
            ) as response:
                async for chunk in response.aiter_stream():
                    size += len(chunk)
            return size

        yield send


def _request() -> bytes:
    lines = b"".join(b"%b: %b\r\n" % field for field in HEADERS)
    return b"POST /x HTTP/1.1\r\n" + lines + b"\r\n" + BODY


@asynccontextmanager
async def by_h11(port: int) -> Any:
    """h11 over asyncio's streams."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    http = h11.Connection(h11.CLIENT)

    async def send() -> int:
        wire = http.send(h11.Request(method=b"POST", target=b"/x", headers=HEADERS)) or b""
        wire += http.send(h11.Data(data=BODY)) or b""
        writer.write(wire + (http.send(h11.EndOfMessage()) or b""))
        size = 0
        while True:
            event = http.next_event()
            if event is h11.NEED_DATA:
                http.receive_data(await reader.read(65536))
            elif isinstance(event, h11.Data):
                size += len(event.data)
            elif isinstance(event, h11.EndOfMessage):
                http.start_next_cycle()
                return size

    yield send
    writer.close()


class _Reading(asyncio.Protocol):
    """One answer at a time, by httptools."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: Any = transport
        self.size = 0
        self.done: asyncio.Future[int]
        self._parser = httptools.HttpResponseParser(self)

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_header(self, name: bytes, value: bytes) -> None:
        """A field line, which a real client would keep."""

    def on_body(self, body: bytes) -> None:
        self.size += len(body)

    def on_message_complete(self) -> None:
        self.done.set_result(self.size)


@asynccontextmanager
async def by_httptools(port: int) -> Any:
    """httptools in an asyncio protocol."""
    loop = asyncio.get_running_loop()
    transport, protocol = await loop.create_connection(_Reading, "127.0.0.1", port)

    async def send() -> int:
        protocol.size = 0
        protocol.done = loop.create_future()
        protocol.transport.write(_request())
        return await protocol.done

    yield send
    transport.close()


CLIENTS: Final = {
    "edge.fetch.Origin": the_edges,
    "httpx.AsyncClient": httpx_client,
    "httpcore.AsyncConnectionPool": httpcore_pool,
    "h11 over asyncio streams": by_h11,
    "httptools in an asyncio protocol": by_httptools,
}


async def microseconds(client: Any, port: int, requests: int, size: int) -> float:
    """Of processor time for one request: the best of five rounds."""
    async with client(port) as send:
        best = float("inf")
        for _ in range(5):
            began = time.process_time()
            for _ in range(requests // 5):
                if await send() != size:
                    raise RuntimeError("not all of the answer came")
            best = min(best, (time.process_time() - began) / (requests // 5))
    return best * 1e6


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--requests", type=int, default=2000)
    parser.add_argument("--size", type=int, default=10_000)
    chosen = parser.parse_args()
    hear, told = multiprocessing.Pipe()
    server = multiprocessing.Process(target=_serve, args=(chosen.size, told), daemon=True)
    server.start()
    port = hear.recv()
    try:
        print("| client | processor time per request, µs |\n|---|---|")
        for name, client in CLIENTS.items():
            cost = uvloop.run(microseconds(client, port, chosen.requests, chosen.size))
            print(f"| {name} | {cost:.0f} |", flush=True)
    finally:
        server.terminate()


if __name__ == "__main__":
    main()
