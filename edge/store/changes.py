"""A count of all changes to what one worker remembers: what was worked out before is valid after,
if it has not moved."""

from __future__ import annotations


class Changes:
    """`count` only grows."""

    __slots__ = ("count",)

    def __init__(self) -> None:
        self.count = 0
