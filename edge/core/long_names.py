"""Names that visitors choose, made short: what is bounded in entries is then bounded in bytes."""

from __future__ import annotations

import hashlib
from typing import Final

LONG: Final = 256
"""Characters or bytes from which a name's digest stands for it."""


def short_bytes(name: bytes) -> bytes:
    """The name itself, or a digest in its place; none of ours looks like one."""
    return name if len(name) <= LONG else hashlib.blake2b(name).digest()


def short_text(name: str) -> str:
    """The same for text."""
    if len(name) <= LONG:
        return name
    return hashlib.blake2b(name.encode("utf-8", "surrogatepass")).hexdigest()
