"""Cookies as Django reads them, and Set-Cookie fields.

The edge keys by what the origin will read. Where a name comes twice the two could disagree, so
bundles carry a Cookie field rebuilt from the reading that made the key.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping

from edge.core.messages import Field, Headers, first, values
from fragments.manifest import CookieSpec

EPOCH = "twopass_epoch"
"""The visitor epoch's cookie: the edge's own, never sent to the origin."""

MAX_COOKIES = 200
"""Cookies read of one request; browsers keep 180 a site at most (Chrome), the rest is noise."""


def parse(headers: Headers) -> dict[str, str]:
    """The request's cookies; the last of equal names, as Django's `parse_cookie` has it."""
    found: dict[str, str] = {}
    for line in values(headers, b"cookie"):
        for chunk in line.decode("latin-1").split(";"):
            name, equals, value = chunk.partition("=")
            if not equals:
                name, value = "", chunk
            name, value = name.strip(), value.strip()
            if (name or value) and len(found) < MAX_COOKIES:
                found[name] = value
    return found


def field_of(cookies: Mapping[str, str]) -> bytes:
    """One Cookie value that reads as `cookies`."""
    pairs = (f"{name}={value}" if name else value for name, value in cookies.items())
    return "; ".join(pairs).encode("latin-1")


def forwarded(headers: Headers, dropped: Container[str] = (EPOCH,)) -> list[Field]:
    """The fields with the `dropped` cookies taken out of Cookie lines, all else as it stood."""
    kept: list[Field] = []
    for name, value in headers:
        if name == b"cookie":
            chunks = value.decode("latin-1").split(";")
            left = [chunk for chunk in chunks if chunk.partition("=")[0].strip() not in dropped]
            value = ";".join(left).strip().encode("latin-1")
            if not value:
                continue
        kept.append((name, value))
    return kept


def names_set(headers: Iterable[Field]) -> frozenset[str]:
    """The names of the cookies that a response sets or deletes."""
    return frozenset(
        value.partition(b"=")[0].strip().decode("latin-1")
        for name, value in headers
        if name == b"set-cookie"
    )


def set_cookie(spec: CookieSpec, value: str, *, secure: bool | None = None) -> Field:
    """The Set-Cookie field for `spec` (RFC 6265 §4.1); `secure` overrides the spec's."""
    parts = [f"{spec.name}={value}", f"Path={spec.path}"]
    if spec.domain:
        parts.append(f"Domain={spec.domain}")
    if spec.max_age is not None:
        parts.append(f"Max-Age={spec.max_age}")
    if spec.secure if secure is None else secure:
        parts.append("Secure")
    if spec.httponly:
        parts.append("HttpOnly")
    if spec.samesite:
        parts.append(f"SameSite={spec.samesite}")
    return b"set-cookie", "; ".join(parts).encode("latin-1")


def has_any(headers: Headers) -> bool:
    """Whether the request carries a Cookie field at all (a cheap first look)."""
    return first(headers, b"cookie") is not None
