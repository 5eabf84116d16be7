"""Connections without sockets: uvicorn's protocol on a transport that keeps what is written."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import httptools
import uvicorn
from bench import Bench, until
from uvicorn.server import ServerState

from edge.fastpath import protocol_for
from edge.hits import Hits
from edge.protocol import AnyMethodProtocol


class Wire(asyncio.Transport):
    """The server's end of a connection; `peer` reads nothing while `is_stuck`."""

    def __init__(self, client: str) -> None:
        super().__init__({"peername": (client, 50000), "sockname": ("127.0.0.1", 80)})
        self.sent = bytearray()
        self.is_reading = True
        self.high_water = 64 * 1024
        self.unread = 0
        self.is_stuck = False
        self._protocol: Any = None
        self._is_closing = False

    def write(self, data: Any) -> None:
        self.sent += data
        if self.is_stuck:
            was_low, self.unread = self.unread <= self.high_water, self.unread + len(data)
            if was_low and self.unread > self.high_water:
                self._protocol.pause_writing()

    def writelines(self, pieces: Iterable[Any]) -> None:
        self.write(b"".join(pieces))

    def read_all(self) -> None:
        """The peer catches up."""
        self.is_stuck, self.unread = False, 0
        self._protocol.resume_writing()

    def close(self) -> None:
        self._is_closing = True

    def is_closing(self) -> bool:
        return self._is_closing

    def pause_reading(self) -> None:
        self.is_reading = False

    def resume_reading(self) -> None:
        self.is_reading = True

    def set_protocol(self, protocol: Any) -> None:
        self._protocol = protocol

    def get_protocol(self) -> Any:
        return self._protocol


class CountedHits(Hits):
    """Knows how many answers were found."""

    found = 0

    def answer(self, *request: Any) -> Any:
        pieces = super().answer(*request)
        self.found += pieces is not None
        return pieces


class Line:
    """One connection to one edge, by the fast path or without it."""

    def __init__(self, config: uvicorn.Config, state: ServerState, client: str) -> None:
        self.wire = Wire(client)
        self.protocol: Any = config.http_protocol_class(  # type: ignore[call-arg]
            config=config, server_state=state, app_state={}, _loop=asyncio.get_running_loop()
        )
        self.wire.set_protocol(self.protocol)
        self.protocol.connection_made(self.wire)

    def feed(self, data: bytes) -> None:
        """Let these bytes arrive."""
        self.wire.get_protocol().data_received(data)

    async def ask(self, data: bytes) -> bytes:
        """All that comes back for these bytes once everything has come to rest."""
        del self.wire.sent[:]
        self.feed(data)
        await self.rest()
        if self.wire.is_closing():
            self.wire.get_protocol().connection_lost(None)  # as transports do
        return bytes(self.wire.sent)

    async def rest(self) -> None:
        """Wait until nothing is being answered on this connection."""
        await until(lambda: self._is_at_rest)

    @property
    def _is_at_rest(self) -> bool:
        protocol = self.wire.get_protocol()
        cycle, pipeline = getattr(protocol, "cycle", None), getattr(protocol, "pipeline", ())
        is_done = cycle is None or cycle.response_complete or cycle.disconnected
        return self.wire.is_closing() or (is_done and not pipeline)

    def lose(self) -> None:
        """The peer is gone."""
        self.protocol.connection_lost(None)


class Lines:
    """Connections to the edge of a bench."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.hits = CountedHits(bench.edge)
        self._state = ServerState()
        self._fast = self._config(protocol_for(self.hits))
        self._slow = self._config(AnyMethodProtocol)

    def fast(self, client: str = "192.0.2.7") -> Line:
        """A connection that hits are answered on at once."""
        return Line(self._fast, self._state, client)

    def slow(self, client: str = "192.0.2.7") -> Line:
        """A connection on which the application answers everything."""
        return Line(self._slow, self._state, client)

    def _config(self, protocol: type[asyncio.Protocol]) -> uvicorn.Config:
        config = uvicorn.Config(
            self.bench.app, http=protocol, ws="websockets-sansio", lifespan="off", log_config=None,
            access_log=False, server_header=False, date_header=False, proxy_headers=False,
            timeout_keep_alive=75,
        )  # fmt: skip
        config.load()
        return config


@dataclass
class Answer:
    """A parsed response."""

    status: int = 0
    fields: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""

    def __getitem__(self, name: str) -> str | None:
        return next((value for key, value in self.fields if key == name), None)


def request(target: str, *fields: str, method: str = "GET", host: str = "shop.test") -> bytes:
    """The bytes of a request without body."""
    lines = [f"{method} {target} HTTP/1.1", *([f"Host: {host}"] if host else []), *fields]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n"


def parsed(data: bytes, *, is_head: bool = False) -> list[Answer]:
    """The responses in `data`; all of them to HEAD, or none."""
    answers: list[Answer] = []

    class Collector:
        def on_message_begin(self) -> None:
            answers.append(Answer())

        def on_header(self, name: bytes, value: bytes) -> None:
            answers[-1].fields.append((name.decode().lower(), value.decode("latin-1")))

        def on_body(self, body: bytes) -> None:
            answers[-1].body += body

        def on_headers_complete(self) -> None:
            answers[-1].status = parser.get_status_code()

    if is_head:
        for head in data.split(b"\r\n\r\n")[:-1]:
            answers.append(Answer(int(head[9:12]), _fields(head)))
        return answers
    parser = httptools.HttpResponseParser(Collector())
    parser.feed_data(data)
    return answers


def _fields(head: bytes) -> list[tuple[str, str]]:
    pairs = (line.split(": ", 1) for line in head.decode("latin-1").split("\r\n")[1:])
    return [(name, value) for name, value in pairs]
