"""A visitor's connection that sends a response's head with the first piece of its body."""

from __future__ import annotations

import asyncio


class Corked:
    """What one response is written to: its first piece waits for the second, or for the event loop.

    A server writes the head by itself, and event loops send what is written at once: a system call
    and a waking of the visitor's side for a head alone.
    """

    __slots__ = ("_first", "_is_open", "_loop", "_transport")

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._is_open = False
        self._first = b""

    def write(self, data: bytes) -> None:
        """Send, the very first piece within this turn of the event loop."""
        if self._is_open:
            first, self._first = self._first, b""
            self._transport.write(first + data if first else data)
            return
        self._is_open = True
        self._first = data
        self._loop.call_soon(self.flush)

    def close(self) -> None:
        """Close the connection once all is sent."""
        self.flush()
        self._transport.close()

    def is_closing(self) -> bool:
        """Whether it is closed, or about to be."""
        return self._transport.is_closing()

    def flush(self) -> None:
        """Send what waits."""
        first, self._first = self._first, b""
        if first and not self._transport.is_closing():
            self._transport.write(first)
