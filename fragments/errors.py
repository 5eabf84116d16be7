"""What can be wrong with bytes that came over the wire."""

from __future__ import annotations

from typing import Final, Literal

Code = Literal[
    "malformed",
    "version",
    "type",
    "size",
    "signature",
    "unknown-key",
    "clock-skew",
    "truncated",
]

CODES: Final[tuple[Code, ...]] = (
    "malformed",
    "version",
    "type",
    "size",
    "signature",
    "unknown-key",
    "clock-skew",
    "truncated",
)


class WireError(ValueError):
    """Bytes that break the contract; `code` is one of `CODES` (docs/wire.md, error codes)."""

    def __init__(self, code: Code, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code: Code = code
