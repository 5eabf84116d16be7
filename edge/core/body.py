"""Bodies of pages: as they are, or as gzip of blocks made beforehand; whole, or as they come."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Sequence

from edge.core.deflate import HEADER, Block, Checksum, append, end, stored, stored_prefix
from edge.core.plan import Plan
from edge.core.prepared import PreparedShell
from fragments.bundle import FramePart
from fragments.csrf import TOKEN_LENGTH, CsrfHole
from fragments.shell import FragmentHole

NONCE_LENGTH = 22
"""Characters of a nonce: 16 bytes in base64url."""

Piece = tuple[FramePart, Block | None]
"""A literal, with its block where it may be compressed; or the place of a token or nonce."""

Portion = tuple[bytes, Block | None]
"""Bytes of a page, with their block where they may be compressed."""


def flat(shell: PreparedShell, plan: Plan, *, shows_tokens: bool) -> list[Piece]:
    """The page with its fragments in their places; nothing is copied.

    Without `shows_tokens` there is nothing to fill their places with.
    """
    found: list[Piece] = []
    blocks = shell.blocks or (None,) * len(shell.body)
    for part, made in zip(shell.body, blocks, strict=True):
        if not isinstance(part, FragmentHole):
            found.append((part, made))
        elif (fragment := plan.held.get(part)) is not None:
            own = fragment.blocks or (None,) * len(fragment.parts)
            found += zip(fragment.parts, own, strict=True)
    if not shows_tokens:
        return [piece for piece in found if not isinstance(piece[0], CsrfHole)]
    return found


class PlainBody:
    """The bytes as they are."""

    __slots__ = ("_is_fixed", "_parts")

    def __init__(self, pieces: Sequence[Piece]) -> None:
        self._parts = [part for part, _ in pieces]
        self._is_fixed = all(isinstance(part, bytes) for part in self._parts)

    def pieces(self, token: bytes, nonce: bytes) -> Sequence[bytes]:
        """All of it, with these in their places."""
        return _filled(self._parts, token, nonce, self._is_fixed)


class GzipBody:
    """The same compressed, without compressing anything."""

    __slots__ = ("_checksum", "_is_fixed", "_parts", "_pieces", "_size", "_uses")

    def __init__(self, pieces: Sequence[Piece]) -> None:
        self._parts: list[FramePart] = [HEADER]
        self._size = 0
        self._is_fixed = True
        for part, made in pieces:
            if isinstance(part, bytes):
                self._size += len(part)
                self._parts += stored(part) if made is None else (made.wire,)
            else:
                self._is_fixed = False
                self._size += _length(part)
                self._parts += (stored_prefix(_length(part)), part)
        self._pieces = pieces
        self._uses = 0
        self._checksum: Checksum | None = None
        if self._is_fixed:
            self._parts.append(end(self._sum(b"", b""), self._size))
            self._pieces = ()

    def pieces(self, token: bytes, nonce: bytes) -> Sequence[bytes]:
        """All of it, with these in their places."""
        filled = _filled(self._parts, token, nonce, self._is_fixed)
        if self._is_fixed:
            return filled
        self._uses += 1
        return [*filled, end(self._checked(token, nonce), self._size)]

    def _checked(self, token: bytes, nonce: bytes) -> int:
        if self._checksum is not None:
            return self._checksum.of(token)
        if self._uses == 2 and all(
            isinstance(part, bytes | CsrfHole) for part, _ in self._pieces
        ):  # it pays from here on
            self._checksum = Checksum(
                [(part, made) if isinstance(part, bytes) else None for part, made in self._pieces],
                TOKEN_LENGTH,
            )
            return self._checksum.of(token)
        return self._sum(token, nonce)

    def _sum(self, token: bytes, nonce: bytes) -> int:
        crc = 0
        for part, made in self._pieces:
            if isinstance(part, bytes):
                crc = append(crc, part, made)
            else:
                crc = zlib.crc32(token if isinstance(part, CsrfHole) else nonce, crc)
        return crc


def _length(part: FramePart) -> int:
    if isinstance(part, bytes):
        return len(part)
    return TOKEN_LENGTH if isinstance(part, CsrfHole) else NONCE_LENGTH


def _filled(
    parts: Sequence[FramePart], token: bytes, nonce: bytes, is_fixed: bool
) -> Sequence[bytes]:
    if is_fixed:
        return parts  # type: ignore[return-value]  # no place is among them
    return [
        part if isinstance(part, bytes) else token if isinstance(part, CsrfHole) else nonce
        for part in parts
    ]


class Stream:
    """A page that leaves in pieces, as they are or with `gzip`.

    What has no block made beforehand leaves in stored ones: it may be a visitor's own.
    """

    def __init__(self, *, gzip: bool) -> None:
        self._gzips = gzip
        self._crc = self._size = 0
        self._is_begun = False

    def encode(self, pieces: Iterable[Portion]) -> bytes:
        """What leaves for these."""
        if not self._gzips:
            return b"".join(data for data, _ in pieces)
        wire = [] if self._is_begun else [HEADER]
        self._is_begun = True
        for data, made in pieces:
            self._crc = append(self._crc, data, made)
            self._size += len(data)
            wire += stored(data) if made is None else [made.wire]
        return b"".join(wire)

    def end(self) -> bytes:
        """What leaves behind the last of them."""
        return end(self._crc, self._size) if self._gzips else b""
