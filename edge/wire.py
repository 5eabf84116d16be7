"""Bytes to and from the origin over asyncio: kept as they come, held back if nobody takes them."""

from __future__ import annotations

import asyncio
import os
from contextlib import suppress
from typing import Final, cast

import httpx

READ_AHEAD: Final = 256 * 1024
"""Bytes of an answer that wait for the visitor before the origin is held back."""


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
        """What has come, b"" at the end. Raises httpx.ReadTimeout after `limit` seconds."""
        if not self._received and not self._is_over:
            await self._more(limit)
        data = bytes(self._received)
        self._received.clear()
        if self._transport is not None and not self._is_over:
            self._transport.resume_reading()
        return data

    async def _more(self, limit: float | None) -> None:
        try:
            async with asyncio.timeout(limit):
                while not self._received and not self._is_over:
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError as error:
            raise httpx.ReadTimeout(f"nothing came for {limit:g} s") from error

    def send(self, data: bytes) -> None:
        """Send without waiting until it is taken. Raises httpx.WriteError if nobody is there."""
        assert self._transport is not None
        if self._transport.is_closing():
            raise httpx.WriteError("the origin closed the connection")
        self._transport.write(data)

    async def write(self, data: bytes) -> None:
        """Send, and wait while the other side takes no more. Raises httpx.WriteError."""
        self.send(data)
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
