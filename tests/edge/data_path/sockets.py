"""Real servers on loopback, in the test's own event loop, and clients that tidy nothing up."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from bench import SETTINGS, until

from edge.app import create_app
from edge.edge import Edge
from edge.server import build_server
from edge.settings import Settings


@asynccontextmanager
async def served(app: Any, settings: Settings) -> AsyncIterator[int]:
    """`app` on a free port."""
    listener = socket.create_server(("127.0.0.1", 0))
    listener.setblocking(False)
    server = build_server(app, settings)
    task = asyncio.create_task(server.serve(sockets=[listener]))
    await until(lambda: server.started or task.done())
    try:
        yield int(listener.getsockname()[1])
    finally:
        server.should_exit = True
        await task


@asynccontextmanager
async def edge_before(origin_app: Any, **changed: Any) -> AsyncIterator[tuple[int, Edge]]:
    """An edge on a free port before `origin_app` on another; the edge's port."""
    plain = Settings(**{**SETTINGS, "drain_timeout": 1.0})
    async with served(origin_app, plain) as port:
        address = f"http://127.0.0.1:{port}"
        settings = Settings(
            **{**SETTINGS, "origin": address, "hosts": (), "drain_timeout": 1.0, **changed}
        )
        app = create_app(settings)
        async with served(app, settings) as edge_port:
            yield edge_port, app.state.edge


async def raw(port: int, request: bytes) -> bytes:
    """What comes back for these bytes until the server closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    await writer.drain()
    try:
        async with asyncio.timeout(30):
            return await reader.read(-1)
    finally:
        writer.close()
