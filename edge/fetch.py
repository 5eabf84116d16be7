"""The way to the origin: pooled connections, deadlines, bodies streamed both ways.

Nothing is interpreted on the way: no redirects followed, no content coding undone, the request
target sent byte for byte.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import urlsplit

import httpx

from edge.core.health import Health
from edge.core.messages import Field, first, lower_names
from edge.core.outbound import OriginRequest
from edge.settings import Settings
from edge.tally import Tally
from edge.upstream import Upstream
from fragments.headers import PROOF, ProvenRequest, prove
from fragments.signing import Keyring

Failure = Literal["connect", "pool", "timeout", "protocol", "closed", "too-large"]

KEEPALIVE = 4.0
"""Seconds an idle connection is kept: below gunicorn's and uvicorn's 5 s, so that the origin is
seldom the one who closes it first."""


class OriginError(Exception):
    """The origin gave no answer, or not all of it.

    `reached`: it may have seen the request, and acted on it.
    """

    def __init__(self, reason: Failure, message: str, *, reached: bool) -> None:
        super().__init__(message or reason)
        self.reason: Failure = reason
        self.reached = reached

    @property
    def status(self) -> int:
        """The status to answer with (RFC 9110 §15.6.3, §15.6.5)."""
        return 504 if self.reason in ("timeout", "pool") else 502


@dataclass(frozen=True, slots=True)
class OriginAddress:
    """Where the origin listens: `http://host:port`, `https://…` or `unix:/path/to/socket`."""

    base: str
    socket: str | None = None

    @classmethod
    def parse(cls, text: str) -> OriginAddress:
        """Raises ValueError saying what would be an address."""
        if text.startswith("unix:") and len(text) > 5:
            return cls("http://localhost", text.removeprefix("unix:"))
        parts = urlsplit(text)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(
                f"origin {text!r}: write http://host:port, https://host or unix:/path/to/socket"
            )
        if parts.path.strip("/") or parts.query or parts.fragment or parts.username:
            raise ValueError(f"origin {text!r}: scheme, host and port only, no path or user")
        return cls(f"{parts.scheme}://{parts.netloc}")


class OriginResponse:
    """An answer whose head is here and whose body is still to be read. Close it in any case."""

    def __init__(self, response: httpx.Response) -> None:
        self.status = response.status_code
        self.headers: list[Field] = lower_names(response.headers.raw)
        self._response = response

    def header(self, name: bytes) -> bytes | None:
        """The first field line of that name."""
        return first(self.headers, name)

    async def chunks(self) -> AsyncIterator[bytes]:
        """The body as it arrives, codings as they are. Raises OriginError."""
        stream = self._response.stream
        assert isinstance(stream, httpx.AsyncByteStream)
        try:
            async for chunk in stream:
                yield chunk
        except httpx.TransportError as error:
            raise _translated(error) from error

    async def read(self, limit: int) -> bytes:
        """The whole body. Raises OriginError, `too-large` above `limit` bytes."""
        body = bytearray()
        async for chunk in self.chunks():
            body += chunk
            if len(body) > limit:
                raise OriginError("too-large", f"more than {limit} bytes", reached=True)
        return bytes(body)

    async def aclose(self) -> None:
        """Let go of the connection; if the body was not read to its end, cut it."""
        # a connection that breaks while it is being closed is closed all the same
        with suppress(httpx.TransportError):
            await self._response.aclose()


class Origin:
    """Sends requests to the origin and keeps count of how it does."""

    def __init__(
        self,
        settings: Settings,
        keyring: Keyring | None,
        tally: Tally,
        clock: Callable[[], float],
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self.address = OriginAddress.parse(settings.origin)
        self.health = Health()
        self._url = httpx.URL(self.address.base)
        self._settings = settings
        self._keyring = keyring
        self._tally = tally
        self._clock = clock
        self._transport = transport or Upstream(
            settings.origin_connections, KEEPALIVE, self.address.socket
        )

    async def send(
        self, request: OriginRequest, head_timeout: float | None = None
    ) -> OriginResponse:
        """Send `request`; the response's head within `head_timeout` seconds of its last byte.

        Raises OriginError. A request without a body is sent once more if the connection broke
        before a byte came back: pooled connections die unseen.
        """
        limit = self._settings.origin_timeout if head_timeout is None else head_timeout
        kind = request.kind or "pass"
        self._tally.origin_requests.add(kind)
        try:
            try:
                response = await self._attempt(request, limit)
            except OriginError as error:
                if error.reason != "closed" or not request.is_repeatable:
                    raise
                response = await self._attempt(request, limit)
        except OriginError as error:
            self._tally.origin_failures.add(kind, error.reason)
            if error.reason != "pool":
                self.health.failed(self._clock())
            raise
        self.health.answered(self._clock())
        return response

    async def aclose(self) -> None:
        """Close every connection."""
        await self._transport.aclose()

    async def _attempt(self, request: OriginRequest, limit: float) -> OriginResponse:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(limit) as deadline:

                def sent_some() -> None:
                    # an upload may take as long as it likes; the answer may not
                    deadline.reschedule(loop.time() + limit)

                message = self._message(request, sent_some)
                response = await self._transport.handle_async_request(message)
        except TimeoutError as error:
            raise OriginError("timeout", f"no answer in {limit:g} s", reached=True) from error
        except httpx.TransportError as error:
            raise _translated(error) from error
        return OriginResponse(response)

    def _message(self, request: OriginRequest, sent_some: Callable[[], None]) -> httpx.Request:
        settings = self._settings
        body = request.body
        stream: httpx.AsyncByteStream = (
            httpx.ByteStream(body) if isinstance(body, bytes) else _Upload(body, sent_some)
        )
        headers = request.headers
        if request.kind is not None and self._keyring is not None:
            headers = [*headers, self._proof(request, self._keyring)]
        extensions: dict[str, Any] = {
            "target": request.target,
            # it could not be sent again if a kept connection turned out to be dead
            "fresh": request.is_long,
            "timeout": {
                "connect": settings.connect_timeout,
                "pool": settings.connect_timeout,
                "read": settings.origin_idle_timeout,
                "write": settings.origin_idle_timeout,
            },
        }
        return httpx.Request(
            request.method.decode("ascii"),
            self._url,
            headers=headers,
            stream=stream,
            extensions=extensions,
        )

    def _proof(self, request: OriginRequest, keyring: Keyring) -> Field:
        assert request.kind is not None
        assert isinstance(request.body, bytes)
        path, _, query = request.target.decode("ascii").partition("?")
        proven = ProvenRequest(
            request.method.decode("ascii"),
            request.host.decode("ascii"),
            f"{path}?{query}" if query else path,  # WSGI and ASGI do not tell an empty query
            request.body,
        )
        value = prove(keyring, proven, request.kind, self._clock())
        return PROOF.lower().encode(), value.encode()


class _Upload(httpx.AsyncByteStream):
    """A visitor's body on its way to the origin."""

    def __init__(self, body: AsyncIterator[bytes], sent_some: Callable[[], None]) -> None:
        self._body = body
        self._sent_some = sent_some

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for chunk in self._body:
            yield chunk
            self._sent_some()


def _translated(error: httpx.TransportError) -> OriginError:
    """One boundary for the library's errors."""
    message = str(error)
    match error:
        case httpx.ConnectError() | httpx.ConnectTimeout():
            return OriginError("connect", message, reached=False)
        case httpx.PoolTimeout():
            return OriginError("pool", message or "no connection was free", reached=False)
        case httpx.TimeoutException():
            return OriginError("timeout", message, reached=True)
        case httpx.ReadError() | httpx.WriteError() | httpx.CloseError():
            return OriginError("closed", message, reached=True)
        case httpx.RemoteProtocolError() if "without sending" in message:
            return OriginError("closed", message, reached=True)
        case _:
            return OriginError("protocol", message, reached=True)
