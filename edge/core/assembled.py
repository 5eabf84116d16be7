"""Header fields of a page put together from an ESI document and its fragments.

They are those of the whole: as short-lived and as private as its strictest part, with a validator
of its own or none (a document's would answer "not modified" though a fragment has changed).
"""

from __future__ import annotations

import hashlib
import re
from base64 import urlsafe_b64encode
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from edge.core.dates import parse_http_date
from edge.core.directives import ResponseDirectives, response_directives
from edge.core.freshness import date_value
from edge.core.messages import Field, Headers, combined, has, list_members, values, without

PRIVATE = b"private, no-cache"
NO_STORE = b"private, no-store"

# What describes the document's own bytes or lifetime, and holds for no page made of it.
_OF_THE_DOCUMENT = frozenset(
    {b"accept-ranges", b"age", b"cache-control", b"cdn-cache-control", b"content-digest",
     b"content-encoding", b"content-length", b"content-md5", b"content-range", b"digest", b"etag",
     b"expires", b"last-modified", b"pragma", b"repr-digest", b"vary"}
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Part:
    """The fields of a document or fragment, and its age in seconds."""

    headers: Headers
    age: int = 0


@dataclass(frozen=True, slots=True)
class Request:
    """What of the visitor's request counts: `headers`, and which ESI variables the page uses."""

    headers: Headers
    variables: frozenset[str] = frozenset()


def page_fields(fields: Sequence[Field], parts: Sequence[Part], request: Request) -> list[Field]:
    """The document's fields as those of a page all of whose parts are known."""
    kept = [field for field in fields if field[0] not in _OF_THE_DOCUMENT]
    kept.append((b"cache-control", cache_control(parts, request)))
    if names := _vary(parts, request):
        kept.append((b"vary", b", ".join(names)))
    return kept


def streamed_fields(fields: Sequence[Field], parts: Sequence[Part]) -> list[Field]:
    """The same for a page that leaves before all its parts have come.

    What is still to come may forbid storing: so nothing of it may be stored.
    """
    kept = [field for field in fields if field[0] not in _OF_THE_DOCUMENT]
    kept.append((b"cache-control", NO_STORE))
    if names := _vary(parts, Request(())):
        kept.append((b"vary", b", ".join(names)))
    return kept


def cache_control(parts: Sequence[Part], request: Request) -> bytes:
    """Cache-Control of the page: the strictest of its parts' (RFC 9111 §5.2.2).

    Lifetimes are what is left of them now. A part that says nothing makes the page private and to
    be validated; so do cookies, in the request's credentials or through a variable.
    """
    said = [_directives(combined(part.headers, b"cache-control")) for part in parts]
    if any(directives.no_store for directives in said):
        return NO_STORE
    left = [_left(part, own) for part, own in zip(parts, said, strict=True)]
    if _is_private(parts, said, request) or any(browsers is None for browsers, _ in left):
        return PRIVATE
    if any(directives.no_cache or directives.no_cache_fields for directives in said):
        return b"no-cache"
    return _lifetimes(said, left)


# A site has few different values, and every hit of a page asks for those of all its parts.
_directives = lru_cache(maxsize=512)(response_directives)


def _is_private(
    parts: Sequence[Part], said: Sequence[ResponseDirectives], request: Request
) -> bool:
    return (
        "HTTP_COOKIE" in request.variables
        or has(request.headers, b"authorization")
        or any(directives.private or directives.private_fields for directives in said)
        or any(has(part.headers, b"set-cookie") for part in parts)
        or any(b"*" in _members(part.headers) for part in parts)
    )


_Left = tuple[float | None, float | None]


def _left(part: Part, said: ResponseDirectives) -> _Left:
    """Seconds left for any cache and for shared ones; None where the part does not say."""
    stated = said.max_age
    if stated is None and said.s_maxage is None and has(part.headers, b"expires"):
        stated = _expires(part.headers)
    shared = said.s_maxage if said.s_maxage is not None else stated
    # `s-maxage` alone says nothing to browsers: they are to ask every time.
    browsers = stated if stated is not None else (0.0 if shared is not None else None)
    return _minus(browsers, part.age), _minus(shared, part.age)


def _minus(seconds: float | None, age: int) -> float | None:
    return None if seconds is None else max(0.0, seconds - age)


def _expires(headers: Headers) -> float:
    lines = set(values(headers, b"expires"))
    date = date_value(headers, 0.0)
    until = parse_http_date(lines.pop(), date) if len(lines) == 1 else None
    return 0.0 if until is None else max(0.0, until - date)


def _lifetimes(said: Sequence[ResponseDirectives], left: Sequence[_Left]) -> bytes:
    browsers = min(seconds for seconds, _ in left if seconds is not None)
    members = [b"max-age=%d" % browsers]
    if any(directives.s_maxage is not None for directives in said):
        members.append(b"s-maxage=%d" % min(shared for _, shared in left if shared is not None))
    if any(directives.must_revalidate or directives.proxy_revalidate for directives in said):
        members.append(b"must-revalidate")
    return b", ".join(members)


# What ESI variables show of header fields; the others are of the URL or the method.
_BY_VARIABLE = re.compile(r"HTTP_(?!HOST\Z)([A-Z0-9_]+)")


def _vary(parts: Iterable[Part], request: Request) -> list[bytes]:
    names = {member.lower() for part in parts for member in _members(part.headers)}
    for variable in request.variables:
        if match := _BY_VARIABLE.fullmatch(variable):
            names.add(match[1].lower().replace("_", "-").encode())
    return [b"*"] if b"*" in names else sorted(names)


def _members(headers: Headers) -> list[bytes]:
    return list_members(combined(headers, b"vary") or b"")


def entity_tag(body: bytes) -> bytes:
    """A weak tag of the whole page: equal pages have equal tags, whatever their coding."""
    return b'W/"%s"' % urlsafe_b64encode(hashlib.sha256(body).digest()[:18])


def varies_by_coding(fields: Sequence[Field]) -> list[Field]:
    """The fields with Accept-Encoding among those of Vary."""
    names = {member.lower() for member in list_members(combined(fields, b"vary") or b"")}
    if names & {b"accept-encoding", b"*"}:
        return list(fields)
    names.add(b"accept-encoding")
    return [*without(fields, (b"vary",)), (b"vary", b", ".join(sorted(names)))]


_GZIP = re.compile(rb"[ \t]*(?:x-)?gzip[ \t]*(?:;[ \t]*q=(?P<quality>[0-9.]+)[ \t]*)?", re.I)


def accepts_gzip(headers: Headers) -> bool:
    """Whether the visitor names gzip as a coding they take (RFC 9110 §12.5.3)."""
    for member in list_members(combined(headers, b"accept-encoding") or b""):
        match = _GZIP.fullmatch(member)
        if match is not None:
            quality = match["quality"]
            return quality is None or quality.strip(b"0.") != b""
    return False
