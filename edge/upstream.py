"""Connections to the origin, kept and shared: an httpx transport with a pool of our own.

httpcore's pool looks at every connection for each request. With thirty visitors under way that was
a third of what the edge does for a page; here a request takes the connection that rests on top.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from collections import deque
from collections.abc import AsyncIterator

import httpx

from edge.connection import Connection
from edge.wire import Wire


class Upstream(httpx.AsyncBaseTransport):
    """At most `limit` requests at once, each on a connection that none other has meanwhile.

    Unused connections are closed after `keepalive` seconds. `socket`: path of a unix socket, None
    for TCP. A request with the extension `fresh` gets a connection that was never used.
    """

    def __init__(self, limit: int, keepalive: float, socket: str | None = None) -> None:
        self._places = asyncio.Semaphore(limit)
        self._keepalive = keepalive
        self._socket = socket
        self._tls: ssl.SSLContext | None = None
        self._idle: deque[Connection] = deque()
        """The one used last on the right."""
        self._timer: asyncio.TimerHandle | None = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Raises httpx.TransportError."""
        limits = request.extensions.get("timeout", {})
        await self._place(limits.get("pool"))
        connection: Connection | None = None
        try:
            if not request.extensions.get("fresh"):
                connection = self._kept()
            if connection is None:
                connection = Connection(await self._connected(request.url, limits.get("connect")))
            status, fields = await connection.ask(request)
        except BaseException:
            self._places.release()
            if connection is not None:
                connection.close()
            raise
        return httpx.Response(
            status, headers=fields, stream=_Body(self, connection, limits.get("read"))
        )

    async def aclose(self) -> None:
        """Close the connections that are not in use."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        while self._idle:
            self._idle.pop().close()

    async def give_back(self, connection: Connection) -> None:
        """Take back what a request had; it is kept if it can be used again."""
        try:
            if await connection.finish():
                connection.idle_since = time.monotonic()
                self._idle.append(connection)
                if self._timer is None:
                    loop = asyncio.get_running_loop()
                    self._timer = loop.call_later(self._keepalive, self._close_old)
        finally:
            self._places.release()

    async def _place(self, limit: float | None) -> None:
        if not self._places.locked():
            await self._places.acquire()  # at once
            return
        try:
            async with asyncio.timeout(limit):
                await self._places.acquire()
        except TimeoutError as error:
            raise httpx.PoolTimeout("no connection was free") from error

    def _kept(self) -> Connection | None:
        oldest = time.monotonic() - self._keepalive
        while self._idle:
            connection = self._idle.pop()
            if connection.is_usable and connection.idle_since > oldest:
                return connection
            connection.close()
        return None

    def _close_old(self) -> None:
        self._timer = None
        oldest = time.monotonic() - self._keepalive
        while self._idle and not (self._idle[0].is_usable and self._idle[0].idle_since > oldest):
            self._idle.popleft().close()
        if self._idle:
            wait = self._idle[0].idle_since - oldest
            self._timer = asyncio.get_running_loop().call_later(wait, self._close_old)

    async def _connected(self, url: httpx.URL, limit: float | None) -> Wire:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(limit):
                if self._socket is not None:
                    _, wire = await loop.create_unix_connection(Wire, self._socket)
                else:
                    port = url.port or (443 if url.scheme == "https" else 80)
                    tls = self._context() if url.scheme == "https" else None
                    _, wire = await loop.create_connection(Wire, url.host, port, ssl=tls)
        except TimeoutError as error:
            raise httpx.ConnectTimeout("no connection in time") from error
        except OSError as error:
            raise httpx.ConnectError(str(error)) from error
        return wire

    def _context(self) -> ssl.SSLContext:
        if self._tls is None:
            self._tls = ssl.create_default_context()
            self._tls.set_alpn_protocols(["http/1.1"])
        return self._tls


class _Body(httpx.AsyncByteStream):
    """An answer's body; closed, its connection is free."""

    def __init__(self, upstream: Upstream, connection: Connection, idle: float | None) -> None:
        self._upstream = upstream
        self._connection: Connection | None = connection
        self._idle = idle

    async def __aiter__(self) -> AsyncIterator[bytes]:
        assert self._connection is not None
        async for chunk in self._connection.body(self._idle):
            yield chunk

    async def aclose(self) -> None:
        """Give the connection back; what was not read is cut off."""
        connection, self._connection = self._connection, None
        if connection is not None:
            await self._upstream.give_back(connection)
