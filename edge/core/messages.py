"""The vocabulary of the core: heads of HTTP messages over raw field lists.

Field names are lower-case bytes everywhere in the edge (as ASGI delivers them); values are the
bytes that stood on the wire, blanks at both ends taken off.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

Field = tuple[bytes, bytes]
Headers = Sequence[Field]

SAFE_METHODS = frozenset({b"GET", b"HEAD", b"OPTIONS", b"TRACE"})

# RFC 9110 §7.6.1: meant for one connection. Proxy-* as RFC 9111 §3.1 asks; Keep-Alive and
# Proxy-Connection never were standard but are sent as if they were.
HOP_BY_HOP = frozenset(
    {
        b"connection",
        b"keep-alive",
        b"proxy-authenticate",
        b"proxy-authentication-info",
        b"proxy-authorization",
        b"proxy-connection",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
    }
)

# Naming one of these in Connection must not make the field go away: what is left would be another
# message (a cookie-less page, a page without its cache rules), stored for everybody.
_UNREMOVABLE = frozenset(
    {
        b"authorization",
        b"cache-control",
        b"cdn-cache-control",
        b"content-encoding",
        b"content-length",
        b"content-range",
        b"content-type",
        b"cookie",
        b"expires",
        b"host",
        b"set-cookie",
        b"vary",
    }
)


@dataclass(frozen=True, slots=True)
class RequestHead:
    """A request as the origin will see it: canonical host, origin-form target.

    `target` is path and query in one, ASCII only (see `key.canonical_target`).
    """

    method: bytes
    scheme: bytes
    host: bytes
    target: bytes
    headers: Headers = ()


@dataclass(frozen=True, slots=True)
class ResponseHead:
    """A final response's status and fields."""

    status: int
    headers: Headers = ()


def values(headers: Headers, name: bytes) -> list[bytes]:
    """Every field line of that name, in order."""
    return [value.strip(b" \t") for field, value in headers if field == name]


def first(headers: Headers, name: bytes) -> bytes | None:
    """The first field line of that name."""
    for field, value in headers:
        if field == name:
            return value.strip(b" \t")
    return None


def combined(headers: Headers, name: bytes) -> bytes | None:
    """All field lines of that name as one list value (RFC 9110 §5.3), None when there is none."""
    lines = values(headers, name)
    return b", ".join(lines) if lines else None


def has(headers: Headers, name: bytes) -> bool:
    """Whether the field is there at all, empty or not."""
    return any(field == name for field, _ in headers)


def without(headers: Headers, names: Iterable[bytes]) -> list[Field]:
    """The fields whose names are not among `names`."""
    dropped = frozenset(names)
    return [field for field in headers if field[0] not in dropped]


def list_members(value: bytes) -> list[bytes]:
    """The members of a simple comma-separated list (RFC 9110 §5.6.1), empty ones left out."""
    return [member for part in value.split(b",") if (member := part.strip(b" \t"))]


def lower_names(headers: Iterable[Field]) -> list[Field]:
    """The same fields with lower-case names, for heads that come from elsewhere than ASGI."""
    return [(name.lower(), value) for name, value in headers]


def end_to_end(headers: Headers) -> list[Field]:
    """The fields without hop-by-hop ones and those named by Connection (RFC 9110 §7.6.1)."""
    dropped = set(HOP_BY_HOP)
    for value in values(headers, b"connection"):
        dropped.update(member.lower() for member in list_members(value))
    dropped -= _UNREMOVABLE
    return [field for field in headers if field[0] not in dropped]


def with_vary(fields: Headers, names: Iterable[bytes]) -> list[Field]:
    """The fields with `names` (lower case) among those of Vary (RFC 9110 §12.5.5)."""
    told = combined(fields, b"vary")
    members = list_members(told) if told else []
    known = {member.lower() for member in members}
    if b"*" in known:
        return list(fields)
    members += [name for name in dict.fromkeys(names) if name not in known]
    return [*without(fields, (b"vary",)), (b"vary", b", ".join(members))]


_UNSENDABLE_NAME = re.compile(rb"[\x00-\x20\x7f()<>@,;:\[\]={}\\\"]")
_UNSENDABLE = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")


def is_wire_safe(fields: Headers) -> bool:
    """Whether a server would send these at all; what it refuses is for the app to fail with."""
    return not any(_UNSENDABLE_NAME.search(n) or _UNSENDABLE.search(v) for n, v in fields)
