"""One stored value with what must be known about it, and its bytes in the shared level.

    magic · flags · CRC-32 of key and all the rest · length of header · header · payload

The checksum covers the key, so that an entry under another's name, a cut one and one of another
program are all found out before a byte of them is decoded.
"""

from __future__ import annotations

import struct
import zlib
from typing import Any, Final, NamedTuple

import msgpack

from .codec import Unreadable, unpack
from .missing import MISSING
from .policy import Freshness

_MAGIC: Final = b"2pd1"
_PREFIX: Final = struct.Struct("!4sBIH")
_PLAIN: Final = 0
_DEFLATED: Final = 1
MAX_INFLATED: Final = 256 * 1024 * 1024
"""Bytes that a payload may have: a few forged ones must not fill the memory."""


class Entry(NamedTuple):
    """A value as it was loaded.

    `at` is the shared clock's reading before the load, None for one loaded while nobody could say
    it; `lsn` the position in the primary's log that the load had seen at least; `payload` the
    packed value.
    """

    label: str
    at: int | None
    lsn: int
    groups: tuple[str, ...]
    freshness: Freshness
    payload: bytes

    def value(self) -> Any:
        """The value, a new one each time; MISSING for "there is none". Raises Unreadable."""
        return unpack(self.payload) if self.payload else MISSING


def encode(key: str, entry: Entry, compress_above: int) -> bytes:
    """The bytes of `entry` under `key`; payloads of more than `compress_above` bytes deflated."""
    fresh = entry.freshness
    header: bytes = msgpack.packb(
        [
            entry.label,
            entry.at,
            entry.lsn,
            list(entry.groups),
            [fresh.loaded_at, fresh.fresh_until, fresh.usable_until, fresh.load_seconds],
        ]
    )
    payload, flags = entry.payload, _PLAIN
    if len(payload) > compress_above:
        deflated = zlib.compress(payload, 1)
        if len(deflated) < len(payload):
            payload, flags = deflated, _DEFLATED
    return (
        _PREFIX.pack(_MAGIC, flags, _checksum(key, flags, header, payload), len(header))
        + header
        + payload
    )


def decode(key: str, data: bytes) -> Entry:
    """What lies under `key`; its value is not looked at yet. Raises Unreadable."""
    if len(data) < _PREFIX.size:
        raise Unreadable("too short to be an entry")
    magic, flags, checksum, length = _PREFIX.unpack_from(data)
    if magic != _MAGIC or flags not in (_PLAIN, _DEFLATED):
        raise Unreadable("no entry of ours, or one of another release")
    header = data[_PREFIX.size : _PREFIX.size + length]
    payload = data[_PREFIX.size + length :]
    if _checksum(key, flags, header, payload) != checksum:
        raise Unreadable("damaged, or stored under another key")
    try:
        label, at, lsn, groups, (loaded, fresh, usable, seconds) = msgpack.unpackb(header)
        freshness = Freshness(loaded + 0.0, fresh + 0.0, usable + 0.0, seconds + 0.0)
        "".join(groups), label + ""  # texts, or a TypeError
        if type(lsn) is not int or (at is not None and type(at) is not int):
            raise TypeError("positions are numbers")
    except Exception as error:  # a header that only looks right
        raise Unreadable(f"header: {error}") from error
    if flags == _DEFLATED:
        payload = _inflate(payload)
    return Entry(label, at, lsn, tuple(groups), freshness, payload)


def _inflate(data: bytes) -> bytes:
    inflater = zlib.decompressobj()
    try:
        payload: bytes = inflater.decompress(data, MAX_INFLATED)
    except zlib.error as error:
        raise Unreadable(f"compressed wrongly: {error}") from error
    if not inflater.eof:
        raise Unreadable(f"cut, or over {MAX_INFLATED} bytes")
    return payload


def _checksum(key: str, flags: int, header: bytes, payload: bytes) -> int:
    # the lengths too: where the header ends decides what the payload is
    start = f"{flags} {len(header)} {key}".encode("utf-8", "replace")
    return zlib.crc32(payload, zlib.crc32(header, zlib.crc32(start)))
