"""Plays a case over sockets: an edge by address, an origin that answers by Host and path."""

from __future__ import annotations

import asyncio
import contextlib
import time
from urllib.parse import urlsplit

from tests.conformance.esi.cases import Answer, Case
from tests.conformance.esi.outcome import Outcome
from tests.conformance.own_edge import TOKEN, Edge
from tests.conformance.wire import Request, ask, read_body, read_head


class CaseOrigin:
    """Serves the documents and fragments of one case at a time."""

    def __init__(self) -> None:
        self.case: Case | None = None
        self.requests: list[str] = []
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()

    async def start(self, port: int) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", port)

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
        for writer in list(self._writers):
            writer.close()
        await asyncio.sleep(0.05)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, ValueError):
            while (head := await read_head(reader)) is not None:
                request = Request(*head)
                await read_body(reader, request, ends_with_connection=False)
                writer.write(_encoded(self._answer(request), request))
                await writer.drain()
        self._writers.discard(writer)
        writer.close()

    def _answer(self, request: Request) -> Answer:
        # The edge's own questions about two-pass routes are no part of a case.
        if self.case is None or request.target.startswith("/_twopass/"):
            return Answer(404, {}, "")
        url = f"http://{request.get('host')}{request.target}"
        self.requests.append(url)
        return self.case.answer(url)


def _encoded(answer: Answer, request: Request) -> bytes:
    body = answer.body.encode()
    fields = {**answer.headers, "content-length": str(len(body))}
    lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    head = f"HTTP/1.1 {answer.status} Said\r\n{lines}\r\n".encode("latin-1")
    return head if request.method == "HEAD" else head + body


async def play(case: Case, edge: Edge, origin: CaseOrigin) -> Outcome:
    """Empty the cache, ask for the page, and tell what came and what the origin was asked."""
    await _empty(edge)
    origin.case = case
    origin.requests.clear()
    parts = urlsplit(case.url)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    fields = [(name, value) for name, value in case.headers if name != "host"]
    start = time.monotonic()
    response = await ask(edge.host, edge.port, case.method, target, [("Host", case.host), *fields])
    return Outcome(
        status=response.status,
        body=response.body.decode("utf-8", "surrogateescape"),
        headers={name.lower(): value for name, value in response.headers},
        requests=list(origin.requests),
        is_aborted=not response.is_whole,
        seconds=time.monotonic() - start,
    )


async def _empty(edge: Edge) -> None:
    fields = [("Authorization", f"Bearer {TOKEN}"), ("Content-Type", "application/json")]
    response = await ask("127.0.0.1", edge.admin_port, "POST", "/purge", fields, b'{"all": true}')
    assert response.status == 200, response.body
