"""What left a store unused, remembered by its hash: eight bytes each."""

from __future__ import annotations

from array import array
from typing import Final

_MASK: Final = 0xFFFFFFFFFFFFFFFF
_LEAST: Final = 1024
_GOLDEN: Final = 0x9E3779B97F4A7C15
"""2^64 by the golden ratio; multiplying by it spreads hashes of tuples, whose low bits are poor."""


class Ghosts:
    """About as many hashes as the store has objects; a newer one may take an older one's place."""

    __slots__ = ("_table",)

    def __init__(self) -> None:
        self._table = array("Q", bytes(8 * _LEAST))

    def add(self, hashed: int, objects: int) -> None:
        """Remember it; `objects` is how many the store has."""
        table = self._table
        if objects > len(table):
            # forgotten all at once: it happens while a store grows, when little leaves it
            table = self._table = array("Q", bytes(8 << objects.bit_length()))
        table[_place(hashed, len(table))] = hashed & _MASK or 1

    def take(self, hashed: int) -> bool:
        """Whether it was remembered; it is not any more."""
        table = self._table
        place = _place(hashed, len(table))
        if table[place] != (hashed & _MASK or 1):
            return False
        table[place] = 0
        return True


def _place(hashed: int, size: int) -> int:
    return (hashed * _GOLDEN & _MASK) >> (65 - size.bit_length())
