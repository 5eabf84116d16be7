"""Log sequence numbers: positions in PostgreSQL's write-ahead log, as integers that compare.

PostgreSQL writes them as two hexadecimal halves, "16/B374D848" (manual, §8.20 pg_lsn type).
"""

import re

# §8.20: "two hexadecimal numbers of up to 8 digits each, separated by a slash".
_TEXT = re.compile(r"([0-9A-Fa-f]{1,8})/([0-9A-Fa-f]{1,8})")
_LARGEST = 2**64 - 1

# No server reaches it: a read that asks for it can only be served by the primary.
UNREACHABLE = _LARGEST


def parse_lsn(value: int | str | None) -> int:
    """Turn "16/B374D848", an integer or None (no demand) into an integer.

    Raises ValueError on anything that is no position in a log.
    """
    if value is None:
        return 0
    if isinstance(value, int):
        if not 0 <= value <= _LARGEST:
            raise ValueError(f"{value} is no log sequence number: it must fit 64 bits.")
        return value
    match = _TEXT.fullmatch(value)
    if match is None:
        raise ValueError(f"{value!r} is no log sequence number such as '16/B374D848'.")
    return int(match[1], 16) << 32 | int(match[2], 16)


def format_lsn(lsn: int) -> str:
    """Write a position the way PostgreSQL does."""
    return f"{lsn >> 32:X}/{lsn & 0xFFFFFFFF:X}"
