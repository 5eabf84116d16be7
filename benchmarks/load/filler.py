"""Asks for many URLs once, as fast as the server gives them: `fill` before a benchmark."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Final
from urllib.parse import urlsplit

CONNECTIONS: Final = 32


def fill(target: str, paths: Iterator[str]) -> int:
    """GET each of `paths` once; how many. Raises RuntimeError for any status but 200."""
    return asyncio.run(_fill(target, paths))


async def _fill(target: str, paths: Iterator[str]) -> int:
    host = urlsplit(target).netloc
    counts = await asyncio.gather(*(_visit(host, paths) for _ in range(CONNECTIONS)))
    return sum(counts)


async def _visit(host: str, paths: Iterator[str]) -> int:
    """One connection, which takes the next of the paths as soon as it has its answer."""
    name, _, port = host.partition(":")
    reader, writer = await asyncio.open_connection(name, int(port))
    count = 0
    try:
        for path in paths:
            writer.write(f"GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
            head = await reader.readuntil(b"\r\n\r\n")
            if not head.startswith(b"HTTP/1.1 200 "):
                raise RuntimeError(f"{path}: {_status(head)}")
            length = head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0]
            await reader.readexactly(int(length))
            count += 1
    finally:
        writer.close()
    return count


def _status(head: bytes) -> str:
    return head.partition(b"\r\n")[0].decode("latin-1")
