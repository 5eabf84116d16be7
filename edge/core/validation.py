"""Validators: conditional requests answered from the cache, validation of stored responses,
freshening, ranges (RFC 9110 §13 and §14, RFC 9111 §4.3)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from edge.core.dates import parse_http_date
from edge.core.facts import Facts
from edge.core.freshness import date_value
from edge.core.messages import Field, Headers, combined, end_to_end, first, values

# entity-tag = [ "W/" ] DQUOTE *etagc DQUOTE     (RFC 9110 §8.8.3)
_ENTITY_TAG = re.compile(rb'(W/)?("[\x21\x23-\x7e\x80-\xff]*")')
_TAG_LIST = re.compile(rb'[ \t,]*(?:(?:W/)?"[\x21\x23-\x7e\x80-\xff]*"[ \t]*(?:,[ \t,]*|\Z))+')


class Precondition(Enum):
    """What a conditional request makes of a response that is about to be sent."""

    SEND = "send"
    NOT_MODIFIED = "not-modified"


def precondition(request_headers: Headers, facts: Facts, now: float) -> Precondition:
    """Evaluate a GET's or HEAD's conditions against a stored response (RFC 9111 §4.3.2).

    If-Match and If-Unmodified-Since are the origin's (§4.3.2) and not looked at. If-None-Match
    silences If-Modified-Since (RFC 9110 §13.1.3), even where it does not parse.
    """
    if facts.status != 200:
        return Precondition.SEND
    tags = since = None
    for name, value in request_headers:
        if name == b"if-none-match":
            tags = value if tags is None else tags + b"," + value
        elif name == b"if-modified-since":
            since = value if since is None else since + b"," + value
    if tags is not None:
        matches = _none_match(tags.strip(b" \t"), facts.etag)
        return Precondition.NOT_MODIFIED if matches else Precondition.SEND
    if since is not None and _unmodified_since(since.strip(b" \t"), facts, now):
        return Precondition.NOT_MODIFIED
    return Precondition.SEND


def _none_match(condition: bytes, etag: bytes | None) -> bool:
    """Whether the condition names the stored response: `*`, or weakly an entity tag of the list."""
    if condition == b"*":
        return True
    if etag is None or not _TAG_LIST.fullmatch(condition):
        return False
    return opaque(etag) in (match[2] for match in _ENTITY_TAG.finditer(condition))


def _unmodified_since(condition: bytes, facts: Facts, now: float) -> bool:
    if facts.modified_at is None:
        # §4.3.2 allows comparing with Date instead, which would call a page unmodified that says
        # nothing about its last change.
        return False
    since = parse_http_date(condition, now)
    return since is not None and facts.modified_at <= since


def is_entity_tag(value: bytes) -> bool:
    """Whether the value is one entity tag by the grammar."""
    return _ENTITY_TAG.fullmatch(value) is not None


def opaque(etag: bytes) -> bytes:
    """The tag without its weakness: what weak comparison compares (RFC 9110 §8.8.3.2)."""
    return etag[2:] if etag.startswith(b"W/") else etag


def is_strong(etag: bytes) -> bool:
    """Whether equal tags promise equal bytes."""
    return not etag.startswith(b"W/")


CONDITIONAL_FIELDS = frozenset(
    {b"if-match", b"if-none-match", b"if-modified-since", b"if-unmodified-since", b"if-range"}
)


def validation_fields(variants: Iterable[Facts]) -> list[Field]:
    """The conditions for asking the origin whether one of these responses still holds (§4.3.1).

    The first is the one the request selects; the entity tags of the others are offered along, so
    that a 304 can choose among them. [] when there is nothing to ask with.
    """
    stored = list(variants)
    tags = list(dict.fromkeys(f.etag for f in stored if f.etag and is_entity_tag(f.etag)))
    fields: list[Field] = [(b"if-none-match", b", ".join(tags))] if tags else []
    if stored and stored[0].last_modified and stored[0].modified_at is not None:
        fields.append((b"if-modified-since", stored[0].last_modified))
    return fields


def identifies(response_headers: Headers, facts: Facts) -> bool:
    """Whether a 304 speaks of this stored response (RFC 9111 §4.3.4).

    With an entity tag it must be the stored one; else with a date, the stored one; a 304 without
    validators can only mean what it was asked about.
    """
    etag = first(response_headers, b"etag")
    if etag is not None:
        if facts.etag is None:
            return False
        return etag == facts.etag if is_strong(etag) else opaque(etag) == opaque(facts.etag)
    modified = first(response_headers, b"last-modified")
    if modified is not None and facts.last_modified is not None:
        return modified == facts.last_modified
    return True


# RFC 9111 §3.2: Content-Length is excepted by name; the others describe stored bytes that a
# message without those bytes cannot change. A 304 that sets cookies speaks to one client.
_NOT_UPDATED = frozenset(
    {b"age", b"cache-status", b"content-digest", b"content-encoding", b"content-length",
     b"content-range", b"repr-digest", b"set-cookie"}
)  # fmt: skip


def freshen(stored: Headers, update: Headers) -> list[Field]:
    """The stored fields updated by a 304 or HEAD response (RFC 9111 §3.2).

    A field of the update replaces all lines of that name; what it does not mention stays.
    """
    news = [(name, value) for name, value in end_to_end(update) if name not in _NOT_UPDATED]
    replaced = {name for name, _ in news}
    return [field for field in stored if field[0] not in replaced] + news


def head_agrees(stored: Headers, facts: Facts, head: Headers) -> bool:
    """Whether a 200 to HEAD describes the stored GET response (§4.3.5): then it freshens it,

    else the stored response is to be considered stale.
    """
    for name, known in ((b"etag", facts.etag), (b"last-modified", facts.last_modified)):
        told = first(head, name)
        if told is not None and told != known:
            return False
    length = first(head, b"content-length")
    stored_length = first(stored, b"content-length")
    return length is None or stored_length is None or length == stored_length


@dataclass(frozen=True, slots=True)
class ByteRange:
    """Bytes `start` up to, not including, `stop` of a body of `total` bytes."""

    start: int
    stop: int
    total: int

    @property
    def content_range(self) -> bytes:
        """The Content-Range of a 206 (RFC 9110 §14.4)."""
        return b"bytes %d-%d/%d" % (self.start, self.stop - 1, self.total)


class RangeAnswer(Enum):
    """Answers to Range other than a part."""

    WHOLE = "whole"
    UNSATISFIABLE = "unsatisfiable"


# ranges-specifier for one byte range; twenty digits hold any file there is.
_ONE_RANGE = re.compile(rb"bytes=[ \t]*(?:([0-9]{1,20})-([0-9]{0,20})|-([0-9]{1,20}))[ \t]*", re.I)


def select_range(
    request_headers: Headers, stored: Headers, facts: Facts, total: int, now: float
) -> ByteRange | RangeAnswer:
    """Which part of a stored full response a GET asks for (RFC 9110 §14.2).

    Several ranges, other units and what does not parse get the whole (§14.2 allows it), which
    also ends the trick of asking for thousands of overlapping parts. UNSATISFIABLE: answer 416
    with `Content-Range: bytes */total`. Preconditions come first (§13.2.2).
    """
    lines = values(request_headers, b"range")
    match = _ONE_RANGE.fullmatch(lines[0]) if len(lines) == 1 else None
    if match is None or facts.status != 200:
        return RangeAnswer.WHOLE
    condition = combined(request_headers, b"if-range")
    if condition is not None and not _still_the_same(condition, stored, facts, now):
        return RangeAnswer.WHOLE
    return _bounded(match, total)


def _bounded(match: re.Match[bytes], total: int) -> ByteRange | RangeAnswer:
    first_byte, last_byte, suffix = match.groups()
    if suffix is not None:
        length = min(int(suffix), total)
        return ByteRange(total - length, total, total) if length else RangeAnswer.UNSATISFIABLE
    start = int(first_byte)
    if last_byte and int(last_byte) < start:
        return RangeAnswer.WHOLE  # not a valid range at all (§14.1.1)
    if start >= total:
        return RangeAnswer.UNSATISFIABLE
    stop = min(int(last_byte) + 1, total) if last_byte else total
    return ByteRange(start, stop, total)


def _still_the_same(condition: bytes, stored: Headers, facts: Facts, now: float) -> bool:
    """If-Range (RFC 9110 §13.1.5): strong comparison; a date only where it is strong."""
    if is_entity_tag(condition):
        return is_strong(condition) and condition == facts.etag
    if facts.modified_at is None or condition != facts.last_modified:
        return False
    # §8.8.2.2: the date is strong when the response was made a second or more after the change.
    return date_value(stored, now) - facts.modified_at >= 1.0
