"""One keep-alive connection of the load client: a request out, the whole response in."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import cast

import httptools


@dataclass(slots=True)
class Page:
    """A response, whole."""

    status: int = 0
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""

    def header(self, name: str) -> str:
        """The first value of a field, empty without one; `name` in lower case."""
        return next((value for key, value in self.headers if key == name), "")


class Gone(ConnectionResetError):
    """The server had closed the idle connection: the request may be sent again on another."""


class Connection(asyncio.Protocol):
    """Speaks HTTP/1.1 without pipelining."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._waiting: asyncio.Future[Page] | None = None
        self._begin()

    async def ask(self, request: bytes) -> Page:
        """Send the bytes of a request, wait for its response.

        Raises Gone when the server had left before it answered anything, ConnectionResetError
        when it left in the middle.
        """
        if self._transport is None or self._transport.is_closing():
            raise Gone("the server closed the connection")
        self._begin()
        self._waiting = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return await self._waiting

    def close(self) -> None:
        """Leave."""
        if self._transport is not None:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by asyncio."""
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """Called by asyncio."""
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            self._fail(ConnectionResetError(f"no HTTP response: {error}"))
            self.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """Called by asyncio."""
        self._transport = None
        if not self._has_begun:
            self._fail(Gone("the server closed the connection"))
        elif self._is_bounded or exc is not None:
            self._fail(ConnectionResetError("the response was cut"))
        else:
            self._finish()  # a body that ends with the connection

    def on_header(self, name: bytes, value: bytes) -> None:
        """Called by the parser."""
        key = name.decode("latin-1").lower()
        self._has_begun = True
        if key in ("content-length", "transfer-encoding"):
            self._is_bounded = True
        self._page.headers.append((key, value.decode("latin-1")))

    def on_body(self, chunk: bytes) -> None:
        """Called by the parser."""
        self._chunks.append(chunk)

    def on_message_complete(self) -> None:
        """Called by the parser."""
        self._finish()

    def _begin(self) -> None:
        self._page = Page()
        self._chunks: list[bytes] = []
        self._has_begun = False
        self._is_bounded = False
        self._parser = httptools.HttpResponseParser(self)

    def _finish(self) -> None:
        if self._waiting is None or self._waiting.done():
            return
        self._page.body = b"".join(self._chunks)
        self._page.status = self._parser.get_status_code()
        if not self._parser.should_keep_alive():
            self.close()
        self._waiting.set_result(self._page)

    def _fail(self, error: Exception) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_exception(error)
