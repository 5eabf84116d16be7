"""One connection to the origin: requests and answers in turn, in HTTP/1.1, over h11.

While a body streams to the origin its answer is read already. An origin may answer before it has
read everything (403, 413) and close: who sends first and reads afterwards finds a broken connection
and no answer.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any, Final

import h11
import httpx

from edge.wire import Wire

MAX_HEAD: Final = 100 * 1024
"""Bytes of an answer's head; httpcore has the same limit."""


class Connection:
    """Asks one thing at a time. `idle_since` is the owner's: when it was last given back."""

    def __init__(self, wire: Wire) -> None:
        self.idle_since = 0.0
        self._wire = wire
        self._http = h11.Connection(h11.CLIENT, max_incomplete_event_size=MAX_HEAD)
        self._sending: asyncio.Task[None] | None = None

    @property
    def is_usable(self) -> bool:
        """Whether, unused, it can be used: the origin has neither left nor said anything."""
        return not self._wire.is_over_or_unexpected

    async def ask(self, request: httpx.Request) -> tuple[int, list[tuple[bytes, bytes]]]:
        """Send, and return status and fields of the answer as soon as they are there.

        Raises httpx.TransportError, and whatever the body's own source raises.
        """
        target = request.extensions.get("target", request.url.raw_path)
        head = self._sent(
            h11.Request(method=request.method, target=target, headers=request.headers.raw)
        )
        if not isinstance(request.stream, httpx.ByteStream):
            return await self._ask_while_sending(head, request)
        body = b"".join(request.stream)
        data = self._sent(h11.Data(data=body)) if body else b""
        # one system call: the first of two would wake the origin for half a request
        self._wire.send(head + data + self._sent(h11.EndOfMessage()))
        return await self._head()

    async def body(self, idle: float | None) -> AsyncIterator[bytes]:
        """The answer's body as it arrives, `idle` seconds at most between two pieces."""
        while True:
            event = await self._event(idle)
            if isinstance(event, h11.Data):
                yield bytes(event.data)
            elif isinstance(event, h11.EndOfMessage):
                return

    async def finish(self) -> bool:
        """End the exchange; whether another may follow. If not, the connection is closed."""
        if self._sending is not None:
            self._sending.cancel()
            await asyncio.gather(self._sending, return_exceptions=True)
            self._sending = None
        if self._is_at_end():
            self._http.start_next_cycle()
            return True
        self.close()
        return False

    def close(self) -> None:
        """Close it at once."""
        if self._sending is not None:
            self._sending.cancel()
        self._wire.close()

    def _is_at_end(self) -> bool:
        http = self._http
        if http.their_state is h11.SEND_BODY:
            with suppress(h11.RemoteProtocolError):
                http.next_event()  # nobody asked for the end of an answer without a body
        are_done = http.our_state is h11.DONE and http.their_state is h11.DONE
        return are_done and not http.trailing_data[0] and self.is_usable

    async def _ask_while_sending(
        self, head: bytes, request: httpx.Request
    ) -> tuple[int, list[tuple[bytes, bytes]]]:
        await self._wire.write(head)
        sending = self._sending = asyncio.create_task(self._send_body(request))
        answering = asyncio.create_task(self._head())
        try:
            await asyncio.wait({sending, answering}, return_when=asyncio.FIRST_COMPLETED)
            if sending.done() and (error := sending.exception()) is not None:
                raise error  # a visitor who leaves in the middle of an upload ends the exchange
            return await answering
        finally:
            answering.cancel()

    async def _send_body(self, request: httpx.Request) -> None:
        assert isinstance(request.stream, httpx.AsyncByteStream)
        async for chunk in request.stream:
            # an origin that has its answer ready may read no further: what counts is the answer
            with suppress(httpx.WriteError):
                await self._wire.write(self._sent(h11.Data(data=chunk)))
        with suppress(httpx.WriteError):
            await self._wire.write(self._sent(h11.EndOfMessage()))

    async def _head(self) -> tuple[int, list[tuple[bytes, bytes]]]:
        event: Any = None
        while not isinstance(event, h11.Response):
            event = await self._event(None)  # who asks has a deadline for the head
        return event.status_code, event.headers.raw_items()

    async def _event(self, idle: float | None) -> Any:
        try:
            while (event := self._http.next_event()) is h11.NEED_DATA:
                data = await self._wire.read(idle)
                if not data and self._http.their_state is h11.SEND_RESPONSE:
                    raise httpx.RemoteProtocolError("the origin left without sending a response")
                self._http.receive_data(data)
        except h11.RemoteProtocolError as error:
            raise httpx.RemoteProtocolError(str(error)) from error
        if isinstance(event, h11.ConnectionClosed) or event is h11.PAUSED:
            raise httpx.RemoteProtocolError("the connection ended within the answer")
        return event

    def _sent(self, event: Any) -> bytes:
        try:
            return self._http.send(event) or b""
        except h11.LocalProtocolError as error:
            raise httpx.WriteError(str(error)) from error
