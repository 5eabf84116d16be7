"""The scenarios' origin as an ASGI application: what it says over its socket, said in ASGI."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.types import ASGIApp, Receive, Scope, Send

from edge.server import build_server
from edge.settings import Settings
from tests.conformance.proxies import free_port
from tests.conformance.wire import read_response


class OriginApp:
    """Asks the scripted origin at `port` what to answer."""

    def __init__(self, port: int) -> None:
        self._port = port

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        assert scope["type"] == "http"
        raw = await _request(scope, receive)
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port, limit=1 << 22)
        try:
            writer.write(raw)
            response = await read_response(reader, is_head=scope["method"] == "HEAD")
        finally:
            writer.close()
        fields = [
            (name.lower().encode("latin-1"), value.encode("latin-1"))
            for name, value in response.headers
            if name.lower() != "transfer-encoding"
        ]
        await send({"type": "http.response.start", "status": response.status, "headers": fields})
        more = not response.is_whole
        await send({"type": "http.response.body", "body": response.body, "more_body": more})
        if more:
            raise RuntimeError("the origin broke its answer off")


async def _request(scope: Scope, receive: Receive) -> bytes:
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            break
    query = b"?" + scope["query_string"] if scope["query_string"] else b""
    lines = [b"%s %s%s HTTP/1.1" % (scope["method"].encode(), scope["raw_path"], query)]
    kept = [f for f in scope["headers"] if f[0] not in (b"content-length", b"transfer-encoding")]
    lines += [b"%s: %s" % field for field in kept]
    if body:
        lines.append(b"content-length: %d" % len(body))
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


@asynccontextmanager
async def served(app: ASGIApp) -> AsyncIterator[int]:
    """Serve the application on a free port of loopback, as the edge itself is served."""
    port = free_port()
    settings = Settings(origin="http://unused.test", drain_timeout=1.0)
    server = build_server(app, settings)
    server.config.port = port
    server.config.lifespan = "off"
    running = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 - uvicorn tells it by no event
        await asyncio.sleep(0.01)
    try:
        yield port
    finally:
        server.should_exit = True
        await running
