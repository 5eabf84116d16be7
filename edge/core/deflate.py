"""gzip (RFC 1952) put together from deflate blocks (RFC 1951) that were made beforehand.

Each block begins and ends on a byte and refers to nothing before it, so that any sequence of them
is a deflate stream. What is secret travels in stored blocks, uncompressed: no length tells how far
it resembles text that somebody else has chosen (BREACH).
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

HEADER: Final = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"
"""Deflate, no name, no time, unknown system."""

_LAST_BLOCK: Final = b"\x03\x00"
"""A last block of fixed codes with nothing in it."""

LEVEL: Final = 6
"""zlib's default: it runs once a copy, and above it little is gained."""

_MAX_STORED: Final = 0xFFFF
_MASK: Final = 0xFFFFFFFF
_POLYNOMIAL: Final = 0xEDB88320
_ONE: Final = 0x80000000
"""The polynomial 1: CRC-32 keeps the coefficient of x^0 in the highest bit."""

_ZEROS: Final = memoryview(bytes(1 << 16))

COMBINED_FROM: Final = 8192
"""Bytes from which a multiplication costs less than running over a literal again."""


@dataclass(frozen=True, slots=True)
class Block:
    """A literal and its block. `power`: x^(8·its length), where the checksum is combined by it."""

    wire: bytes
    crc: int
    power: int | None


def block(literal: bytes) -> Block:
    """Deflate `literal` by itself."""
    compressor = zlib.compressobj(LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
    wire = compressor.compress(literal) + compressor.flush(zlib.Z_FULL_FLUSH) if literal else b""
    size = len(literal)
    power = _shifted(_ONE, size) if size >= COMBINED_FROM else None
    return Block(wire, zlib.crc32(literal), power)


def blocks_size(blocks: Iterable[Block | None]) -> int:
    """Bytes that it costs to keep them."""
    return sum(len(made.wire) + 160 for made in blocks if made is not None)


def stored_prefix(size: int) -> bytes:
    """What stands before `size` bytes, at most 65,535, that are not compressed."""
    return _PREFIX.pack(0, size, size ^ _MAX_STORED)


_PREFIX: Final = struct.Struct("<BHH")
_TRAILER: Final = struct.Struct("<II")


def stored(data: bytes) -> list[bytes]:
    """Stored blocks around `data`; nothing is copied unless it is longer than one block."""
    if len(data) <= _MAX_STORED:
        return [stored_prefix(len(data)), data] if data else []
    found: list[bytes] = []
    for start in range(0, len(data), _MAX_STORED):
        piece = data[start : start + _MAX_STORED]
        found += (stored_prefix(len(piece)), piece)
    return found


def end(crc: int, size: int) -> bytes:
    """The last block and the trailer: checksum and length of what was compressed."""
    return _LAST_BLOCK + _TRAILER.pack(crc, size & _MASK)


def append(crc: int, literal: bytes, made: Block | None) -> int:
    """The checksum of what `crc` is that of, and `literal`, whose block may be at hand."""
    if made is not None and made.power is not None:
        return _product(crc, made.power) ^ made.crc
    return zlib.crc32(literal, crc)


class Checksum:
    """CRC-32 of a document that says one text of fixed length in several places.

    CRC is linear: what the places change is one product of the text's own checksum, whatever their
    number and however long the document.
    """

    def __init__(self, parts: Iterable[tuple[bytes, Block | None] | None], length: int) -> None:
        """`parts` are literals with their blocks, None where the text of `length` stands."""
        blank = bytes(length)
        crc = places = 0
        for part in parts:
            if part is None:
                crc = zlib.crc32(blank, crc)
                places = _shifted(places, length) ^ _ONE
            else:
                literal, made = part
                crc = append(crc, literal, made)
                power = None if made is None else made.power
                if power is None:
                    places = _shifted(places, len(literal))
                else:
                    places = _product(places, power)
        self._blank = zlib.crc32(blank)
        self._crc = crc
        self._rows = _rows(places)

    def of(self, text: bytes) -> int:
        """The checksum with `text` in all places."""
        crc, difference = self._crc, zlib.crc32(text) ^ self._blank
        for row in self._rows:
            if difference & 1:
                crc ^= row
            difference >>= 1
        return crc


def _rows(factor: int) -> Sequence[int]:
    """`factor` times each power of x that a bit of a checksum stands for, the lowest bit first."""
    rows = []
    for _ in range(32):
        rows.append(factor)
        factor = factor >> 1 ^ (_POLYNOMIAL if factor & 1 else 0)
    return rows[::-1]


def _product(first: int, second: int) -> int:
    """The product of two polynomials modulo that of CRC-32."""
    product = 0
    while first:
        if first & _ONE:
            product ^= second
        first = first << 1 & _MASK
        second = second >> 1 ^ (_POLYNOMIAL if second & 1 else 0)
    return product


def _shifted(value: int, size: int) -> int:
    """`value` times x^(8·size): the checksum's own step over zeros, without its inversions."""
    state = value ^ _MASK
    for start in range(0, size, len(_ZEROS)):
        state = zlib.crc32(_ZEROS[: min(size - start, len(_ZEROS))], state)
    return state ^ _MASK
