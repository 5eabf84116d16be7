"""Vary: which of the stored responses of one key a request selects (RFC 9111 §4.1)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from edge.core.messages import Headers, combined


@dataclass(frozen=True, slots=True)
class VaryRule:
    """What selects among the stored responses of one key (RFC 9111 §4.1).

    `fields` are the names Vary lists, sorted. `languages` (first: the default) and `cookies` come
    from Availability Hints and narrow Accept-Language and Cookie to what the origin looks at.
    """

    fields: tuple[bytes, ...] = ()
    languages: tuple[bytes, ...] = ()
    cookies: tuple[bytes, ...] = ()


NO_VARY = VaryRule()

_TOKEN = re.compile(rb"[!#$%&'*+\-.^_`|~0-9a-z]+")
MAX_VARY_FIELDS = 20


def vary_fields(headers: Headers) -> tuple[bytes, ...] | None:
    """The names in Vary, lower case, sorted, each once; None for `*`, which matches nothing.

    A Vary that does not parse, or lists more than MAX_VARY_FIELDS names, is read as `*`: what
    cannot be compared must not match.
    """
    value = combined(headers, b"vary")
    if value is None:
        return ()
    names = {name for part in value.lower().split(b",") if (name := part.strip(b" \t"))}
    if b"*" in names or len(names) > MAX_VARY_FIELDS:
        return None
    return tuple(sorted(names)) if all(map(_TOKEN.fullmatch, names)) else None


# Lists whose members are compared without regard to case and blanks (RFC 9110 §12.5), so that
# `gzip,br` and `GZIP, br` are one variant. Order stays: it can carry preference.
_CASELESS_LISTS = frozenset({b"accept", b"accept-charset", b"accept-encoding", b"accept-language"})


def secondary_key(rule: VaryRule, headers: Headers) -> bytes:
    """The request's value of every field of the rule; absent differs from empty.

    `headers` are those the origin sees, after the edge set or dropped its own: a field which the
    edge rewrites selects by the rewritten value.
    """
    parts = []
    for name in rule.fields:
        value = combined(headers, name)
        if name == b"accept-language" and rule.languages:
            value = best_language(rule.languages, value)
        elif name == b"cookie" and rule.cookies:
            value = named_cookies(rule.cookies, headers)
        elif value is not None and name in _CASELESS_LISTS:
            value = b",".join(part.strip(b" \t") for part in value.lower().split(b","))
        parts.append(_encoded(name, value))
    return b"\n".join(parts)


def variant_key(primary: bytes, rule: VaryRule, headers: Headers) -> bytes:
    """The full key of the stored response that this request would select under the rule."""
    if not rule.fields:
        return primary
    return primary + b"\n\n" + secondary_key(rule, headers)


def best_language(available: Sequence[bytes], accept: bytes | None) -> bytes:
    """The available language a request prefers (lookup, RFC 4647 §3.4); the first by default."""
    if not accept:
        return available[0]
    ranges = [_weighted(part) for part in accept.lower().split(b",")]
    known = {language.lower(): language for language in available}
    for _, language_range in sorted(ranges, key=lambda pair: -pair[0]):
        while language_range:
            if language_range in known:
                return known[language_range]
            language_range = language_range.rpartition(b"-")[0]
    return available[0]


_QUALITY = re.compile(rb"q=(0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)")


def _weighted(part: bytes) -> tuple[float, bytes]:
    language, _, parameters = part.partition(b";")
    match = _QUALITY.fullmatch(parameters.strip(b" \t"))
    quality = float(match[1]) if match else 1.0
    return (quality, language.strip(b" \t")) if quality > 0 else (0.0, b"")


def named_cookies(names: Sequence[bytes], headers: Headers) -> bytes:
    """The values of those cookies, in the order of `names`; absent differs from empty."""
    sent = cookies(headers)
    return b";".join(_encoded(name, sent.get(name)) for name in names)


def _encoded(name: bytes, value: bytes | None) -> bytes:
    """The length keeps a value from looking like the next name, `-` absent from empty."""
    return name + b"-" if value is None else b"%s=%d:%s" % (name, len(value), value)


def cookies(headers: Headers) -> dict[bytes, bytes]:
    """The request's cookies by name, the first of equal names (RFC 6265 §5.4 sends it first)."""
    sent: dict[bytes, bytes] = {}
    for field, line in headers:
        if field == b"cookie":
            for pair in line.split(b";"):
                name, equals, value = pair.strip(b" \t").partition(b"=")
                if equals:
                    sent.setdefault(name, value)
    return sent
