"""How long a response may be used: freshness lifetime and age (RFC 9111 §4.2)."""

from __future__ import annotations

from dataclasses import dataclass

from edge.core.dates import parse_http_date
from edge.core.directives import (
    MAX_DELTA,
    ResponseDirectives,
    response_directives,
    surrogate_control,
    targeted_directives,
)
from edge.core.messages import Headers, combined, first, list_members, values

# RFC 9110 §15.1: cacheable without being told so. Only successes are used here without explicit
# freshness: an error or redirect is stored under a page's key only if its own fields ask for it.
HEURISTIC_STATUSES = frozenset({200, 203, 204})

_HTML = (b"text/html", b"application/xhtml+xml")


@dataclass(frozen=True, slots=True)
class FreshnessRules:
    """What an operator can choose about lifetimes. Durations are seconds.

    `targets` are the targeted fields listened to, most specific first (RFC 9213 §2.2).
    """

    targets: tuple[bytes, ...] = (b"cdn-cache-control",)
    surrogate: bytes = b"twopass"
    heuristic_fraction: float = 0.1
    heuristic_maximum: float = 86400.0
    heuristics_for_html: bool = False


@dataclass(frozen=True, slots=True)
class Control:
    """The directives in force, and whether Expires still has a say (RFC 9213 §2.2)."""

    directives: ResponseDirectives
    uses_expires: bool


def control_in_force(headers: Headers, rules: FreshnessRules) -> Control:
    """Targeted fields in the order of `rules.targets`, then Surrogate-Control, then Cache-Control.

    Exactly one of them decides; the others are ignored whole.
    """
    for target in rules.targets:
        directives = targeted_directives(headers, target)
        if directives is not None:
            return Control(directives, uses_expires=False)
    surrogate = surrogate_control(headers, rules.surrogate)
    if surrogate is not None and surrogate.controls_caching:
        return Control(surrogate.as_directives(), uses_expires=False)
    value = combined(headers, b"cache-control")
    directives = response_directives(value)
    if value is None and _pragma_no_cache(headers):
        # Not a response field by RFC 9111 §5.4, yet a sender of it means one thing only.
        directives = ResponseDirectives(no_cache=True)
    return Control(directives, uses_expires=True)


def _pragma_no_cache(headers: Headers) -> bool:
    pragma = combined(headers, b"pragma")
    return pragma is not None and b"no-cache" in list_members(pragma.lower())


@dataclass(frozen=True, slots=True)
class Lifetime:
    """Seconds of freshness, and whether the origin stated them (else: heuristic or none)."""

    seconds: float
    is_explicit: bool


def freshness_lifetime(
    status: int, headers: Headers, control: Control, now: float, rules: FreshnessRules
) -> Lifetime:
    """RFC 9111 §4.2.1, in its order: s-maxage, max-age, Expires, then heuristics."""
    directives = control.directives
    stated = directives.s_maxage if directives.s_maxage is not None else directives.max_age
    if stated is not None:
        return Lifetime(stated, is_explicit=True)
    if control.uses_expires:
        expires = values(headers, b"expires")
        if expires:
            return Lifetime(_until_expires(headers, expires, now), is_explicit=True)
    return Lifetime(_heuristic(status, headers, control, now, rules), is_explicit=False)


def _until_expires(headers: Headers, lines: list[bytes], now: float) -> float:
    """Expires minus Date; 0 when malformed, in the past, or contradictory (§4.2.1, §5.3)."""
    if len(set(lines)) != 1:
        return 0.0
    expires = parse_http_date(lines[0], now)
    if expires is None:
        return 0.0
    return min(max(0.0, expires - date_value(headers, now)), MAX_DELTA)


def _heuristic(
    status: int, headers: Headers, control: Control, now: float, rules: FreshnessRules
) -> float:
    """A fraction of the time since the last change (§4.2.2), nothing for HTML unless asked."""
    if status not in HEURISTIC_STATUSES and not control.directives.public:
        return 0.0
    media_type = (first(headers, b"content-type") or b"").partition(b";")[0].strip().lower()
    if media_type in _HTML and not rules.heuristics_for_html:
        return 0.0
    changed = first(headers, b"last-modified")
    modified = parse_http_date(changed, now) if changed else None
    if modified is None:
        return 0.0
    since = max(0.0, date_value(headers, now) - modified)
    return min(since * rules.heuristic_fraction, rules.heuristic_maximum)


def date_value(headers: Headers, now: float) -> float:
    """The Date of the response; the time of its receipt when missing or malformed."""
    value = first(headers, b"date")
    parsed = parse_http_date(value, now) if value else None
    return now if parsed is None else parsed


def initial_age(headers: Headers, requested_at: float, received_at: float) -> float:
    """corrected_initial_age of §4.2.3, in seconds, at the time of receipt."""
    apparent = max(0.0, received_at - date_value(headers, received_at))
    corrected = _age_value(headers) + max(0.0, received_at - requested_at)
    return max(apparent, corrected)


def _age_value(headers: Headers) -> float:
    """The first member of Age; 0 when it is no number (§5.1: ignore it)."""
    lines = values(headers, b"age")
    text = lines[0].partition(b",")[0].strip(b" \t") if lines else b""
    if not text.isdigit():
        return 0.0
    return MAX_DELTA if len(text) > 15 else min(float(text), MAX_DELTA)
