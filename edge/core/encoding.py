"""Whole pages in other content codings than gzip, and how thoroughly they are compressed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final

import brotli
import zstandard

from edge.core.negotiation import Offer
from edge.core.prepared import PreparedShell

# 10 kB and 150 kB of pages, on one core: gzip -6 makes 2,080 bytes in 0.08 ms and 44.8 kB in
# 4.6 ms. br 6 makes 1,904 in 0.13 ms and 42.7 kB in 3.2 ms; br 11 10 % less in seventy and fifty
# times as long. zstd 9 makes 2,011 in 0.17 ms and 43.2 kB in 2.9 ms; zstd 19 5 % less in thirteen
# times as long. A page is compressed anew each time it is renewed.
_ENCODERS: Final[dict[bytes, Callable[[bytes], bytes]]] = {
    b"br": lambda body: brotli.compress(body, quality=6),
    b"zstd": lambda body: zstandard.ZstdCompressor(level=9).compress(body),
}
_OVERHEAD: Final = 128
"""Bytes that a coded body is taken to cost beside its content."""


def wanted(shell: PreparedShell, offer: Offer) -> bytes | None:
    """The coding that this visitor would rather have than any that `shell` has; None: none.

    Only pages that are the same bytes for everybody are made: no token and nothing private is ever
    compressed together with other text (BREACH).
    """
    if not (shell.is_codable and shell.is_whole) or not shell.body:
        return None
    first = offer[0] if offer else b""
    return first if first in _ENCODERS and first not in shell.made else None


def encoded(shell: PreparedShell, name: bytes) -> PreparedShell:
    """`shell` with its body in that coding too; as it is where that makes it no smaller."""
    body = b"".join(part for part in shell.body if isinstance(part, bytes))
    coded = _ENCODERS[name](body)
    if len(coded) >= len(body):
        coded = b""  # remembered, so that nobody tries again
    return replace(
        shell,
        codings=(*shell.codings, (name, coded)),
        size=shell.size + len(coded) + _OVERHEAD,
    )
