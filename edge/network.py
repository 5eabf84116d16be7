"""Sockets for httpcore, below httpx: few system calls and few awaits for each request.

httpcore's own go through anyio, which writes at once whatever it is given: a request's head and
its body are two system calls, and the first of them wakes the origin for half a request. That
parameters are called `timeout` is httpcore's interface.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Iterable
from typing import Any, Final

import httpcore
import httpx

from edge.duplex import Wire

WRITE_AT_ONCE: Final = 64 * 1024
"""Bytes that do not wait for what else might come."""


class Stream(httpcore.AsyncNetworkStream):
    """One connection. What is written without anything else happening leaves together."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._unsent: list[bytes] = []
        self._size = 0
        self._loop = asyncio.get_running_loop()

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109
        """What has come, b"" at the end. Raises httpcore.ReadTimeout."""
        self._flush()
        try:
            return await self._wire.read(timeout)
        except httpx.ReadTimeout as error:
            raise httpcore.ReadTimeout(str(error)) from error

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109
        """Raises httpcore.WriteError, httpcore.WriteTimeout."""
        if not buffer:
            return
        if self._wire.transport.is_closing():
            raise httpcore.WriteError("the origin closed the connection")
        if not self._unsent:
            self._loop.call_soon(self._flush)
        self._unsent.append(buffer)
        self._size += len(buffer)
        if self._size >= WRITE_AT_ONCE:
            self._flush()
        if self._wire.is_paused:
            try:
                async with asyncio.timeout(timeout):
                    await self._wire.drained()
            except TimeoutError as error:
                raise httpcore.WriteTimeout(f"nothing was taken for {timeout:g} s") from error

    async def aclose(self) -> None:
        """Close the connection; what has not been sent is not sent."""
        self._unsent.clear()
        self._wire.close()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109
    ) -> httpcore.AsyncNetworkStream:
        """The same connection under TLS. Raises httpcore.ConnectError, httpcore.ConnectTimeout."""
        wire = self._wire
        try:
            async with asyncio.timeout(timeout):
                transport = await self._loop.start_tls(
                    wire.transport, wire, ssl_context, server_hostname=server_hostname
                )
        except TimeoutError as error:
            wire.close()
            raise httpcore.ConnectTimeout("no TLS in time") from error
        except OSError as error:  # ssl.SSLError is one
            wire.close()
            raise httpcore.ConnectError(str(error)) from error
        if transport is None:
            raise httpcore.ConnectError("the origin left while TLS was set up")
        wire.connection_made(transport)
        return self

    def get_extra_info(self, info: str) -> Any:
        """`is_readable` tells the pool that an idle connection is dead."""
        if info == "is_readable":
            return self._wire.is_over_or_unexpected
        return self._wire.transport.get_extra_info(info)

    def _flush(self) -> None:
        if self._unsent:
            data = b"".join(self._unsent)
            self._unsent.clear()
            self._size = 0
            if not self._wire.transport.is_closing():
                self._wire.transport.write(data)


class Backend(httpcore.AsyncNetworkBackend):
    """Connects over asyncio."""

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Raises httpcore.ConnectError, httpcore.ConnectTimeout."""
        connecting = asyncio.get_running_loop().create_connection(Wire, host, port)
        return await self._stream(connecting, timeout)

    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,  # noqa: ASYNC109
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Raises httpcore.ConnectError, httpcore.ConnectTimeout."""
        connecting = asyncio.get_running_loop().create_unix_connection(Wire, path)
        return await self._stream(connecting, timeout)

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)

    async def _stream(self, connecting: Any, limit: float | None) -> Stream:
        try:
            async with asyncio.timeout(limit):
                _, wire = await connecting
        except TimeoutError as error:
            raise httpcore.ConnectTimeout("no connection in time") from error
        except OSError as error:
            raise httpcore.ConnectError(str(error)) from error
        return Stream(wire)


class OriginTransport(httpx.AsyncHTTPTransport):
    """httpx's transport over these sockets; `socket`: path of a unix socket, None for TCP."""

    def __init__(self, limits: httpx.Limits, socket: str | None) -> None:
        context = httpx.create_ssl_context(trust_env=False)
        super().__init__(verify=context, trust_env=False)
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=context,
            max_connections=limits.max_connections,
            max_keepalive_connections=limits.max_keepalive_connections,
            keepalive_expiry=limits.keepalive_expiry,
            uds=socket,
            network_backend=Backend(),
        )
