"""Positions in PostgreSQL's write-ahead log, as purges carry them."""

from __future__ import annotations

import re

_LSN = re.compile(r"([0-9A-Fa-f]{1,8})/([0-9A-Fa-f]{1,8})\Z")


def position(text: str) -> int | None:
    """The byte position of an LSN such as `0/16B3748` (pg_lsn); None when it is none."""
    found = _LSN.match(text)
    return None if found is None else (int(found[1], 16) << 32) + int(found[2], 16)


def later(first: str | None, second: str | None) -> str | None:
    """The one that lies further on; what is no LSN does not count."""
    first_at = position(first) if first else None
    second_at = position(second) if second else None
    if second_at is None:
        return first if first_at is not None else None
    return second if first_at is None or second_at > first_at else first
