"""Content codings undone within bounds (RFC 9110 §8.4.1): a small body may hold a large one."""

from __future__ import annotations

import io
import zlib
from collections.abc import Callable

import brotli
import zstandard

from edge.core.messages import list_members

MAX_CODINGS = 3
"""Codings on top of each other; nobody means more."""


class CodingError(ValueError):
    """A body that cannot be decoded: unknown coding, broken data, or more than is allowed."""


def codings_of(content_encoding: bytes | None) -> list[bytes]:
    """The codings that are to be undone, in the order they were applied."""
    members = [member.lower() for member in list_members(content_encoding or b"")]
    return [member for member in members if member != b"identity"]


def decoded(body: bytes, codings: list[bytes], limit: int) -> bytes:
    """The body without its codings. Raises CodingError, also above `limit` bytes."""
    if len(codings) > MAX_CODINGS:
        raise CodingError(f"more than {MAX_CODINGS} content codings")
    for coding in reversed(codings):
        decode = _DECODERS.get(coding)
        if decode is None:
            raise CodingError(f"content coding {coding[:40].decode('latin-1')!r} is not known")
        try:
            body = decode(body, limit)
        except (zlib.error, brotli.error, zstandard.ZstdError) as error:
            raise CodingError(f"broken {coding.decode()}: {error}") from error
    return body


def _gzip(body: bytes, limit: int) -> bytes:
    """All members of a gzip file (RFC 1952 §2.2)."""
    found = bytearray()
    while body:
        member = zlib.decompressobj(wbits=31)
        found += member.decompress(body, limit + 1 - len(found))
        _bounded(len(found), limit)
        if not member.eof:
            raise CodingError("a gzip body is cut short")
        body = member.unused_data.lstrip(b"\0")  # padding, as gzip itself tolerates
    return bytes(found)


def _deflate(body: bytes, limit: int) -> bytes:
    """The zlib format, or bare deflate as some send it (RFC 9110 §8.4.1.2)."""
    try:
        return _inflated(body, 15, limit)
    except zlib.error:
        return _inflated(body, -15, limit)


def _inflated(body: bytes, wbits: int, limit: int) -> bytes:
    inflate = zlib.decompressobj(wbits=wbits)
    found = inflate.decompress(body, limit + 1)
    _bounded(len(found), limit)
    if not inflate.eof:
        raise CodingError("a deflate body is cut short")
    return found


def _brotli(body: bytes, limit: int) -> bytes:
    decoder = brotli.Decompressor()
    found = bytearray(decoder.process(body, output_buffer_limit=limit + 1))
    while not decoder.is_finished():
        _bounded(len(found), limit)
        more = decoder.process(b"", output_buffer_limit=limit + 1)
        if not more:
            raise CodingError("a br body is cut short")
        found += more
    _bounded(len(found), limit)
    return bytes(found)


def _zstd(body: bytes, limit: int) -> bytes:
    # RFC 9659: a window of more than 8 MiB need not be taken.
    decoder = zstandard.ZstdDecompressor(max_window_size=8 * 1024 * 1024)
    with decoder.stream_reader(io.BytesIO(body), read_across_frames=True) as reader:
        found = reader.read(limit + 1)
    _bounded(len(found), limit)
    while body:  # known to be small by now: the reader does not tell a cut frame from a whole one
        frame = decoder.decompressobj()
        frame.decompress(body)
        if not frame.eof:
            raise CodingError("a zstd body is cut short")
        body = frame.unused_data
    return found


def _bounded(size: int, limit: int) -> None:
    if size > limit:
        raise CodingError(f"more than {limit} bytes when decoded")


_DECODERS: dict[bytes, Callable[[bytes, int], bytes]] = {
    b"gzip": _gzip,
    b"x-gzip": _gzip,
    b"deflate": _deflate,
    b"br": _brotli,
    b"zstd": _zstd,
}
