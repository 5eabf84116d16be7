"""A shop with as many objects as one likes, each some 500 bytes and good for a day."""

from __future__ import annotations

from typing import Final

BLOCK: Final = 100_000
"""Objects of one group, and of one folder."""

FILLING: Final = b"a product among a million. " * 18
FIELDS: Final = (
    (b"content-type", b"text/plain"),
    (b"cache-control", b"public, max-age=86400"),
)


def path(number: int) -> str:
    """Where it is."""
    return f"/shop/{number // BLOCK}/{number}"


def group(number: int) -> str:
    """What it is purged with."""
    return f"block:{number // BLOCK}"


def body(number: int) -> bytes:
    """What it is."""
    return b"%d: %s" % (number, FILLING)


def fields(number: int) -> list[tuple[bytes, bytes]]:
    """Its header fields, the group under both names that caches know."""
    name = group(number).encode()
    return [*FIELDS, (b"cache-groups", b'"%s"' % name), (b"xkey", name)]
