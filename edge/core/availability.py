"""Availability Hints: what an origin has on each axis of Vary.

draft-nottingham-http-availability-hints-01.

`Avail-Language: en;d, fr, de` and `Cookie-Indices: "currency", "ab"` turn thousands of
Accept-Language and Cookie values into the few that make a difference.
"""

from __future__ import annotations

from edge.core.messages import Headers, combined
from edge.core.structured import Member, parse_list
from edge.core.vary import NO_VARY, VaryRule, vary_fields

MAX_MEMBERS = 64


def vary_rule(headers: Headers) -> VaryRule | None:
    """The rule by which a stored response is selected; None when nothing may select it."""
    fields = vary_fields(headers)
    if fields is None:
        return None
    if not fields:
        return NO_VARY
    return VaryRule(
        fields,
        languages=_languages(headers) if b"accept-language" in fields else (),
        cookies=_cookie_names(headers) if b"cookie" in fields else (),
    )


def _members(headers: Headers, name: bytes) -> list[Member]:
    """The members of a hint; [] when it does not parse or holds too many.

    A hint that is wrong in one member is worth nothing: trusting the rest could make two requests
    share what the origin tells apart.
    """
    value = combined(headers, name)
    members = parse_list(value) if value else None
    if members is None or len(members) > MAX_MEMBERS:
        return []
    return members


def _languages(headers: Headers) -> tuple[bytes, ...]:
    members = _members(headers, b"avail-language")
    if not all(member.token or member.string for member in members):
        return ()
    # sorted() is stable: the default moves to the front, the others keep their order.
    ordered = sorted(members, key=lambda member: not member.parameters.get("d"))
    return tuple((m.token or m.string or "").lower().encode() for m in ordered)


def _cookie_names(headers: Headers) -> tuple[bytes, ...]:
    names = [member.string for member in _members(headers, b"cookie-indices")]
    if not all(names):
        return ()
    return tuple(sorted({name.encode() for name in names if name}))
