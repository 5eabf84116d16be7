"""Long uploads: the answer is read while the body is still being sent.

An origin may answer before it has read everything (403, 413) and close. Who sends first and reads
afterwards finds a broken connection and no answer; so here both happen at once, one connection for
each upload.
"""

from __future__ import annotations

import asyncio
import os
import ssl
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any, cast

import h11
import httpx

READ_AHEAD = 256 * 1024
"""Bytes of an answer that wait for the visitor before the origin is held back."""


class DuplexTransport(httpx.AsyncBaseTransport):
    """Sends requests whose bodies stream. `socket`: path of a unix socket, None for TCP."""

    def __init__(self, socket: str | None = None) -> None:
        self._socket = socket
        self._tls: ssl.SSLContext | None = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Raises httpx.TransportError."""
        timeouts = request.extensions.get("timeout", {})
        wire = await self._connect(request.url, timeouts.get("connect"))
        exchange = _Exchange(wire, timeouts.get("read"))
        try:
            return await exchange.begin(request)
        except BaseException:
            await exchange.aclose()
            raise

    async def _connect(self, url: httpx.URL, limit: float | None) -> Wire:
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
        return self._tls


class Wire(asyncio.Protocol):
    """Bytes in both directions; what has come is kept even when the connection breaks."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._received = bytearray()
        self._changed = asyncio.Event()
        self._writable = asyncio.Event()
        self._writable.set()
        self._is_over = False

    @property
    def is_over_or_unexpected(self) -> bool:
        """Whether it ended, or something came that nobody had asked for: not to be used again."""
        return self._is_over or bool(self._received)

    @property
    def is_paused(self) -> bool:
        """Whether the other side takes no more for now."""
        return not self._writable.is_set()

    async def drained(self) -> None:
        """Wait until it does, or is gone."""
        await self._writable.wait()

    @property
    def transport(self) -> asyncio.Transport:
        """The transport below, which TLS replaces."""
        assert self._transport is not None
        return self._transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's have no common base

    def data_received(self, data: bytes) -> None:
        assert self._transport is not None
        self._received += data
        self._changed.set()
        if len(self._received) > READ_AHEAD:
            self._transport.pause_reading()

    def eof_received(self) -> bool:
        self._is_over = True
        self._changed.set()
        return False

    def connection_lost(self, error: Exception | None) -> None:
        if error is not None and self._transport is not None:
            self._received += _left_unread(self._transport)
        self.eof_received()
        self._writable.set()

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()

    async def read(self, limit: float | None) -> bytes:
        """What has come, b"" at the end. Raises httpx.ReadTimeout."""
        try:
            async with asyncio.timeout(limit):
                while not self._received and not self._is_over:
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError as error:
            raise httpx.ReadTimeout(f"nothing came for {limit:g} s") from error
        data = bytes(self._received)
        self._received.clear()
        if self._transport is not None and not self._is_over:
            self._transport.resume_reading()
        return data

    async def write(self, data: bytes) -> None:
        """Raises httpx.WriteError once the other side has gone."""
        assert self._transport is not None
        if self._transport.is_closing():
            raise httpx.WriteError("the origin closed the connection")
        self._transport.write(data)
        await self._writable.wait()

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()


def _left_unread(transport: asyncio.Transport) -> bytes:
    """What had arrived when writing failed: event loops drop it, the kernel still has it."""
    socket = transport.get_extra_info("socket")
    left = bytearray()
    if socket is not None and transport.get_extra_info("sslcontext") is None:
        with suppress(OSError):  # the reset itself, or nothing more
            while len(left) < READ_AHEAD and (data := os.read(socket.fileno(), 65536)):
                left += data
    return bytes(left)


class _Exchange(httpx.AsyncByteStream):
    """One request and its answer, whose body it streams."""

    def __init__(self, wire: Wire, idle: float | None) -> None:
        self._wire = wire
        self._idle = idle
        self._http = h11.Connection(h11.CLIENT)
        self._sending: asyncio.Task[None] | None = None

    async def begin(self, request: httpx.Request) -> httpx.Response:
        """Send, and return the head of the answer as soon as it is there."""
        target = request.extensions.get("target", request.url.raw_path)
        head = h11.Request(method=request.method, target=target, headers=request.headers.raw)
        await self._wire.write(self._sent(head))
        self._sending = asyncio.create_task(self._send_body(request))
        answering = asyncio.create_task(self._head())
        try:
            await asyncio.wait({self._sending, answering}, return_when=asyncio.FIRST_COMPLETED)
            if self._sending.done():
                _raise_what_the_visitor_did(self._sending)
            return await answering
        finally:
            answering.cancel()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while True:
            event = await self._event()
            if isinstance(event, h11.Data):
                yield bytes(event.data)
            elif isinstance(event, h11.EndOfMessage):
                return

    async def aclose(self) -> None:
        """Stop sending, and close the connection."""
        if self._sending is not None:
            self._sending.cancel()
            await asyncio.gather(self._sending, return_exceptions=True)
        self._wire.close()

    async def _send_body(self, request: httpx.Request) -> None:
        assert isinstance(request.stream, httpx.AsyncByteStream)
        async for chunk in request.stream:
            # an origin that has its answer ready may read no further: what counts is the answer
            with suppress(httpx.WriteError):
                await self._wire.write(self._sent(h11.Data(data=chunk)))
        with suppress(httpx.WriteError):
            await self._wire.write(self._sent(h11.EndOfMessage()))

    async def _head(self) -> httpx.Response:
        event: Any = None
        while not isinstance(event, h11.Response):
            event = await self._event()
        headers = list(event.headers.raw_items())
        return httpx.Response(event.status_code, headers=headers, stream=self)

    async def _event(self) -> Any:
        try:
            while (event := self._http.next_event()) is h11.NEED_DATA:
                data = await self._wire.read(self._idle)
                if not data and self._http.their_state is h11.SEND_RESPONSE:
                    raise httpx.RemoteProtocolError("the origin left without sending a response")
                self._http.receive_data(data)
        except h11.RemoteProtocolError as error:
            raise httpx.RemoteProtocolError(str(error)) from error
        if isinstance(event, h11.ConnectionClosed):
            raise httpx.RemoteProtocolError("the connection ended within the answer")
        return event

    def _sent(self, event: Any) -> bytes:
        try:
            return self._http.send(event) or b""
        except h11.LocalProtocolError as error:
            raise httpx.WriteError(str(error)) from error


def _raise_what_the_visitor_did(sending: asyncio.Task[None]) -> None:
    """A visitor who leaves in the middle of an upload ends the exchange."""
    error = sending.exception()
    if error is not None:
        raise error
