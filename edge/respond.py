"""The visitor's end of an exchange: what is sent, and whether anybody is still there."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine, Sequence
from typing import Any, TypeVar

from starlette.types import Message, Receive, Send

from edge.core import dates
from edge.core.cache_status import keyed
from edge.core.messages import Field, has

T = TypeVar("T")


class ClientGone(Exception):
    """The visitor left before their answer was complete."""


class Responder:
    """Sends one response; remembers what was sent. HEAD and 204/304 get no body, whatever comes."""

    def __init__(self, send: Send, method: bytes, now: float) -> None:
        self.status = 0
        self.bytes_sent = 0
        self.is_complete = False
        self.outcome = "none"
        """What the counters file this response under."""
        self.url: bytes | None = None
        """Said in Cache-Status as the key, for those who ask whether it is the one they meant."""
        self._send = send
        self._now = now
        self._has_body = method != b"HEAD"

    @property
    def is_started(self) -> bool:
        """Whether the head has left: the status is said, errors can only cut the body."""
        return self.status != 0

    async def start(self, status: int, headers: Sequence[Field]) -> None:
        """Send the head, with a Date if it has none (RFC 9110 §6.6.1)."""
        self.status = status
        if status in (204, 304) or status < 200:
            self._has_body = False
        if not has(headers, b"date"):
            headers = [*headers, (b"date", dates.format_http_date(self._now))]
        if self.url is not None:
            headers = [
                (name, keyed(value, self.url) if name == b"cache-status" else value)
                for name, value in headers
            ]
        await self._send({"type": "http.response.start", "status": status, "headers": headers})

    async def write(self, data: bytes) -> None:
        """Send a piece of the body; waits while the visitor cannot take more."""
        if data and self._has_body:
            self.bytes_sent += len(data)
            await self._send({"type": "http.response.body", "body": data, "more_body": True})

    async def finish(self, data: bytes = b"") -> None:
        """Send the last piece."""
        body = data if self._has_body else b""
        self.bytes_sent += len(body)
        self.is_complete = True
        await self._send({"type": "http.response.body", "body": body, "more_body": False})

    async def whole(self, status: int, headers: Sequence[Field], body: bytes) -> None:
        """Send a complete response with its length."""
        fields = list(headers)
        if status not in (204, 304):
            fields.append((b"content-length", b"%d" % len(body)))
        await self.start(status, fields)
        await self.finish(body)

    async def text(self, status: int, message: str, headers: Sequence[Field] = ()) -> None:
        """A short answer of the edge's own, never to be stored."""
        fields = [
            (b"content-type", b"text/plain; charset=utf-8"),
            (b"cache-control", b"no-store"),
            (b"x-content-type-options", b"nosniff"),
            *headers,
        ]
        await self.whole(status, fields, message.encode() + b"\n")


class Client:
    """The visitor's side of the connection: the request's body, and word when they leave."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._body_read = asyncio.Event()

    async def body(self) -> AsyncIterator[bytes]:
        """The request's body as it arrives. Raises ClientGone when it is cut."""
        try:
            while True:
                message = await self._receive()
                if message["type"] == "http.disconnect":
                    raise ClientGone
                if data := message.get("body", b""):
                    yield data
                if not message.get("more_body", False):
                    return
        finally:
            self._body_read.set()

    def has_no_body(self) -> None:
        """Say that nobody will read the body, so that leaving can be watched for at once."""
        self._body_read.set()

    async def unless_gone(self, work: Coroutine[Any, Any, T], responder: Responder) -> T:
        """Do `work` while the visitor is there. If they leave, stops it and raises ClientGone."""
        task = asyncio.create_task(work)
        watch = asyncio.create_task(self._left())
        try:
            await asyncio.wait({task, watch}, return_when=asyncio.FIRST_COMPLETED)
            # A server also reports "disconnect" once the answer is complete: then there is
            # nothing left to stop but our own book-keeping.
            if task.done() or responder.is_complete:
                return await task
            raise ClientGone
        finally:
            for pending in (task, watch):
                pending.cancel()
            await asyncio.gather(task, watch, return_exceptions=True)

    async def _left(self) -> None:
        await self._body_read.wait()
        while True:
            message: Message = await self._receive()
            if message["type"] == "http.disconnect":
                return
