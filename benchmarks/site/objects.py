"""The cheapest origin there is, for caches that have to be filled by asking: `python -m … PORT`.

It serves `benchmarks.contestants.objects` and speaks just as much HTTP/1.1 as a cache needs.
"""

from __future__ import annotations

import asyncio
import re
import sys
from typing import Final

from ..contestants.objects import body, fields

_REQUEST: Final = re.compile(rb"GET /shop/\d+/(\d+) HTTP/1\.[01]\r\n")
_NOT_FOUND: Final = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"


def answer(head: bytes) -> bytes:
    """The response to one request."""
    match = _REQUEST.match(head)
    if match is None:
        return _NOT_FOUND
    number = int(match[1])
    lines = b"".join(b"%s: %s\r\n" % field for field in fields(number))
    content = body(number)
    return b"HTTP/1.1 200 OK\r\n%sContent-Length: %d\r\n\r\n%s" % (lines, len(content), content)


class Objects(asyncio.Protocol):
    """One connection of a cache."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The cache has come."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._unread = b""

    def data_received(self, data: bytes) -> None:
        """Answer every request that is complete."""
        *heads, self._unread = (self._unread + data).split(b"\r\n\r\n")
        for head in heads:
            self._transport.write(answer(head + b"\r\n"))


async def serve(port: int) -> None:
    """Answer until killed."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Objects, "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1])))
