"""From bytes to text and tags, whatever the chunks they come in.

The language is looked for byte by byte as ASCII: ESI 1.0 knows no HTML, so an element counts in an
attribute, a script or a comment too. Two things are not ESI: a CDATA section, which says so itself,
and anything not written exactly as an element (`<ESI:`, `<esi :`, a control byte in a tag): that
is text, since two readers could disagree about it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from .errors import LimitExceeded
from .limits import DEFAULT_LIMITS, Limits


@dataclass(frozen=True, slots=True)
class Text:
    """Bytes outside of tags."""

    data: bytes


@dataclass(frozen=True, slots=True)
class StartTag:
    """`<esi:name …>`; `is_empty` for `<esi:name …/>`.

    `attributes` keep their order and their doubles, values with character references decoded.
    """

    name: str
    attributes: tuple[tuple[str, str], ...]
    is_empty: bool
    offset: int


@dataclass(frozen=True, slots=True)
class EndTag:
    """`</esi:name>`."""

    name: str
    offset: int


Token = Text | StartTag | EndTag

_MARKERS = (b"<esi:", b"</esi:", b"<!--esi", b"<![CDATA[")
_MARKER = re.compile(rb"<(?:/?esi:|!--esi(?![\w-])|!\[CDATA\[)|-->")
# A tag up to its ">" (or up to where it stops being one): no control bytes, no "<" outside quotes.
_TAG = re.compile(
    rb"<(?P<slash>/?)esi:(?P<name>[a-z][a-z0-9_-]*+)"
    rb"(?P<rest>(?=[\s/>]|\Z)(?>[^<>\"'\x00-\x08\x0b\x0e-\x1f]++|\"[^\"]*+\"|'[^']*+')*+)"
)
_ATTRIBUTE = re.compile(
    r"""(?P<name>[^\s=/"'>]+)"""
    r"""(?:\s*=\s*(?:"(?P<double>[^"]*)"|'(?P<single>[^']*)'|(?P<bare>[^\s"'>]+)))?"""
)
_LONGEST_MARKER = 9
# Rescanning a half tag for every byte that arrives would be quadratic.
_BATCH = 4096


class Lexer:
    """Feed it chunks, take tokens; where the chunks were cut makes no difference to them."""

    def __init__(self, limits: Limits = DEFAULT_LIMITS) -> None:
        self._limits = limits
        self._waiting: list[bytes] = []
        self._waiting_size = 0
        self._buffer = b""
        self._offset = 0  # of the buffer's start in the document
        self._open_comments = 0
        self._in_cdata = False

    def feed(self, data: bytes) -> Iterator[Token]:
        """Tokens that are complete now. Raises LimitExceeded for a document that is too long."""
        self._waiting.append(data)
        self._waiting_size += len(data)
        if self._offset + len(self._buffer) + self._waiting_size > self._limits.document:
            raise LimitExceeded(f"an ESI document is longer than {self._limits.document} bytes")
        if self._waiting_size >= _BATCH:
            yield from self._scan(is_last=False)

    def close(self) -> Iterator[Token]:
        """The tokens that the end of the document completes; an unfinished tag is text."""
        yield from self._scan(is_last=True)

    def _scan(self, *, is_last: bool) -> Iterator[Token]:
        buffer = self._buffer + b"".join(self._waiting)
        self._waiting.clear()
        self._waiting_size = 0
        position = text_from = 0
        while True:
            found = self._next_marker(buffer, position, is_last=is_last)
            if found is None:
                break
            start, stop, token = found
            if token is not None or stop > start:
                if start > text_from:
                    yield Text(buffer[text_from:start])
                text_from = stop
                if token is not None:
                    yield token
            position = max(stop, start + 1)
        held = len(buffer) if is_last else self._hold_from(buffer, position)
        if held > text_from:
            yield Text(buffer[text_from:held])
        self._offset += held
        self._buffer = buffer[held:]

    def _next_marker(
        self, buffer: bytes, position: int, *, is_last: bool
    ) -> tuple[int, int, Token | None] | None:
        """The next piece of markup: where it starts and stops, and its token, if it has one.

        `start == stop` is a marker that turns out to be text. None: nothing more to see yet.
        """
        if self._in_cdata:
            end = buffer.find(b"]]>", position)
            if end < 0:
                return None
            self._in_cdata = False
            return end, end, None
        match = _MARKER.search(buffer, position)
        if match is None:
            return None
        start, marker = match.start(), match.group()
        if marker == b"-->":
            return start, self._closed_comment(match.end(), start), None
        if marker == b"<!--esi":
            if match.end() == len(buffer) and not is_last:
                return None  # the next byte decides whether the name ends here
            self._open_comments += 1
            return start, match.end(), None
        if marker == b"<![CDATA[":
            self._in_cdata = True
            return start, start, None
        return self._tag(buffer, start, is_last=is_last)

    def _closed_comment(self, end: int, start: int) -> int:
        """The `-->` of a `<!--esi` goes with it; any other is text."""
        if not self._open_comments:
            return start
        self._open_comments -= 1
        return end

    def _tag(
        self, buffer: bytes, start: int, *, is_last: bool
    ) -> tuple[int, int, Token | None] | None:
        match = _TAG.match(buffer, start)
        end = match.end() if match else start
        if match and buffer[end : end + 1] == b">" and end - start <= self._limits.tag:
            return start, end + 1, self._token(match, start)
        if self._is_unfinished(buffer, start, match) and not is_last:
            return None
        return start, start, None

    def _is_unfinished(self, buffer: bytes, start: int, match: re.Match[bytes] | None) -> bool:
        """Whether bytes still to come could make this a tag."""
        if len(buffer) - start > self._limits.tag:
            return False
        if match is None:
            return re.fullmatch(rb"</?esi:[a-z0-9_-]*", buffer[start:]) is not None
        return match.end() == len(buffer) or self._is_open_quote(buffer, match.end())

    @staticmethod
    def _is_open_quote(buffer: bytes, position: int) -> bool:
        quote = buffer[position : position + 1]
        return quote in (b'"', b"'") and buffer.find(quote, position + 1) < 0

    def _token(self, match: re.Match[bytes], start: int) -> Token:
        name, offset = match["name"].decode("ascii"), self._offset + start
        if match["slash"]:
            return EndTag(name, offset)
        rest = match["rest"].decode("utf-8", "surrogateescape")
        rest = rest.rstrip()
        is_empty = rest.endswith("/")
        return StartTag(name, attributes(rest[:-1] if is_empty else rest), is_empty, offset)

    def _hold_from(self, buffer: bytes, position: int) -> int:
        """Where the part starts that must wait for more bytes."""
        if self._in_cdata:
            return max(position, len(buffer) - 2)
        match = _MARKER.search(buffer, position)
        if match is not None:
            return match.start()
        tail = max(position, len(buffer) - _LONGEST_MARKER + 1)
        while tail < len(buffer) and not _may_start_marker(buffer[tail:]):
            tail += 1
        return tail


def _may_start_marker(tail: bytes) -> bool:
    return any(marker.startswith(tail) for marker in _MARKERS) or b"-->".startswith(tail)


def attributes(text: str) -> tuple[tuple[str, str], ...]:
    """The attributes of a tag; one without a value has the empty one."""
    return tuple(
        (match["name"], decoded(match["double"] or match["single"] or match["bare"] or ""))
        for match in _ATTRIBUTE.finditer(text)
    )


# XML's five names and numbers, each with its semicolon. HTML's two thousand names would find
# `&copy` in `?a=1&copy=2`.
_REFERENCE = re.compile(
    r"&(?:(?P<named>amp|lt|gt|quot|apos)|#(?P<decimal>[0-9]{1,7})|#[xX](?P<hex>[0-9a-fA-F]{1,6}));"
)
_NAMED = {"amp": "&", "lt": "<", "gt": ">", "quot": '"', "apos": "'"}


def decoded(value: str) -> str:
    """An attribute's value with its character references replaced."""
    return _REFERENCE.sub(_character, value) if "&" in value else value


def _character(match: re.Match[str]) -> str:
    if match["named"]:
        return _NAMED[match["named"]]
    number = int(match["decimal"]) if match["decimal"] else int(match["hex"], 16)
    is_character = 0 < number < 0xD800 or 0xDFFF < number < 0x110000
    return chr(number) if is_character else match.group()
