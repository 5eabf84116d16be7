"""May a response be stored, and may a stored one be used? RFC 9111 §3 and §4 for a shared cache.

`assess` runs once per response from the origin and keeps its findings in `Facts`; `reuse` runs on
every hit and compares three numbers.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import Enum, StrEnum
from math import inf

from edge.core.availability import vary_rule
from edge.core.dates import parse_http_date
from edge.core.directives import RequestDirectives, ResponseDirectives
from edge.core.facts import Facts
from edge.core.freshness import (
    Control,
    FreshnessRules,
    Lifetime,
    control_in_force,
    freshness_lifetime,
    initial_age,
)
from edge.core.messages import (
    Field,
    Headers,
    RequestHead,
    ResponseHead,
    end_to_end,
    first,
    has,
    without,
)
from edge.core.vary import NO_VARY, VaryRule


class Refusal(StrEnum):
    """Why a response was not stored; the words appear as `detail` in Cache-Status."""

    METHOD = "method"
    STATUS = "status"
    PARTIAL = "partial"
    NO_STORE = "no-store"
    REQUEST_NO_STORE = "request-no-store"
    PRIVATE = "private"
    AUTHORIZATION = "authorization"
    SET_COOKIE = "set-cookie"
    VARY = "vary"
    NO_FRESHNESS = "no-freshness"


@dataclass(frozen=True, slots=True)
class CachePolicy:
    """What an operator can choose. Durations are seconds.

    `grace` lets a stale response stand in for an origin that fails, unless the response forbids
    it. `stores_set_cookie` stores such responses as far as RFC 9111 allows. With
    `obeys_requests`, Cache-Control of a request can force a miss and keep a response out.
    """

    freshness: FreshnessRules = field(default_factory=FreshnessRules)
    grace: float = 0.0
    stores_set_cookie: bool = False
    obeys_requests: bool = False


@dataclass(frozen=True, slots=True)
class Assessment:
    """The verdict on one response: the facts and fields to store, or why it is not stored."""

    refusal: Refusal | None
    facts: Facts
    headers: list[Field]


# RFC 6585 §3-§6 forbid storing 428, 429, 431 and 511. The others blame the very request (its
# form, size, method, expectation, conditions), which need not be like the next visitor's under
# the same key: storing one is how a cache is made to deny service (CPDoS).
UNSTORABLE_STATUSES = frozenset(
    {206, 304, 400, 405, 408, 411, 412, 413, 414, 415, 416, 417, 421, 425, 426, 428, 429, 431,
     501, 505, 511}
)  # fmt: skip
# Whose meaning for caching this cache knows (RFC 9111 §5.2.2.3); all of RFC 9110's final ones.
_UNDERSTOOD = frozenset(
    {*range(200, 206), *range(300, 304), 305, 307, 308, *range(400, 418), 421, 422, 426,
     *range(500, 506)}
) - {306}  # fmt: skip


def may_store(
    request: RequestHead, response: ResponseHead, control: Control, policy: CachePolicy
) -> Refusal | None:
    """The prohibitions of RFC 9111 §3, one clause each; None when none applies.

    Whether the response says anything that makes storing worth while is `assess`'s question.
    """
    directives = control.directives
    understood = response.status in _UNDERSTOOD
    # §5.2.2.3: must-understand replaces no-store for who knows the status code.
    no_store = directives.no_store and not (directives.must_understand and understood)
    clauses = (
        (Refusal.METHOD, request.method != b"GET"),
        (Refusal.PARTIAL, response.status == 206),
        (Refusal.STATUS, response.status < 200 or response.status in UNSTORABLE_STATUSES),
        (Refusal.STATUS, directives.must_understand and not understood),
        (Refusal.NO_STORE, no_store),
        (Refusal.PRIVATE, directives.private),
        (
            Refusal.AUTHORIZATION,
            has(request.headers, b"authorization") and not allows_authorized(directives),
        ),
        (
            Refusal.SET_COOKIE,
            has(response.headers, b"set-cookie") and not policy.stores_set_cookie,
        ),
    )
    return next((refusal for refusal, applies in clauses if applies), None)


def allows_authorized(directives: ResponseDirectives) -> bool:
    """Whether what answers an Authorization may be shared (RFC 9111 §3.5)."""
    return directives.public or directives.must_revalidate or directives.s_maxage is not None


def assess(
    request: RequestHead,
    response: ResponseHead,
    requested_at: float,
    received_at: float,
    policy: CachePolicy,
) -> Assessment:
    """Judge a complete response to a request as the origin saw it.

    Facts are given for refused responses too: Age and freshness go out with them all the same.
    """
    control = control_in_force(response.headers, policy.freshness)
    lifetime = freshness_lifetime(
        response.status, response.headers, control, received_at, policy.freshness
    )
    rule = vary_rule(response.headers)
    born_at = received_at - initial_age(response.headers, requested_at, received_at)
    facts = _facts(response, control.directives, lifetime, born_at, policy, rule or NO_VARY)
    refusal = may_store(request, response, control, policy)
    if refusal is None and rule is None:
        refusal = Refusal.VARY  # `*` selects nothing (§4.1): a copy could never be used
    if refusal is None and not _is_worth_storing(control.directives, lifetime, facts, received_at):
        refusal = Refusal.NO_FRESHNESS
    return Assessment(refusal, facts, stored_headers(response.headers, control.directives))


def with_lifetime(assessment: Assessment, seconds: float) -> Assessment:
    """The same with that freshness lifetime, its stale windows moved along.

    It makes nothing storable that is not, and nothing fresh that must be validated.
    """
    facts = assessment.facts
    if assessment.refusal is not None or facts.fresh_until == -inf:
        return assessment
    moved = facts.born_at + seconds - facts.fresh_until
    facts = replace(
        facts,
        fresh_until=facts.fresh_until + moved,
        revalidate_until=facts.revalidate_until + moved,
        error_until=facts.error_until + moved,
    )
    return replace(assessment, facts=facts)


def _is_worth_storing(
    directives: ResponseDirectives, lifetime: Lifetime, facts: Facts, now: float
) -> bool:
    """§3's last condition, read narrowly: the response must speak of caching itself.

    A page that says nothing may be anybody's page; keeping it to validate it gains little.
    """
    if not (lifetime.is_explicit or lifetime.seconds > 0 or directives.public
            or directives.no_cache):  # fmt: skip
        return False
    can_validate = facts.etag is not None or facts.last_modified is not None
    return can_validate or facts.error_until > now


def _facts(
    response: ResponseHead,
    directives: ResponseDirectives,
    lifetime: Lifetime,
    born_at: float,
    policy: CachePolicy,
    rule: VaryRule,
) -> Facts:
    fresh_until = -inf if directives.no_cache else born_at + lifetime.seconds
    while_revalidate, if_error = _stale_windows(directives, lifetime, policy)
    # most have no stale windows, and one number serves for all three
    revalidate_until = fresh_until + while_revalidate if while_revalidate > 0 else fresh_until
    error_until = fresh_until + if_error if if_error > while_revalidate else revalidate_until
    last_modified = first(response.headers, b"last-modified")
    return Facts(
        status=response.status,
        born_at=born_at,
        fresh_until=fresh_until,
        revalidate_until=revalidate_until,
        error_until=error_until,
        etag=first(response.headers, b"etag"),
        last_modified=last_modified,
        modified_at=parse_http_date(last_modified, born_at) if last_modified else None,
        vary=rule,
        serves_authorized=allows_authorized(directives),
        forbids_stale=_forbids_stale(directives) or directives.s_maxage is not None,
    )


def _forbids_stale(directives: ResponseDirectives) -> bool:
    return directives.no_cache or directives.must_revalidate or directives.proxy_revalidate


def _stale_windows(
    directives: ResponseDirectives, lifetime: Lifetime, policy: CachePolicy
) -> tuple[float, float]:
    """Seconds a stale response may be served while refreshing, and instead of an error.

    RFC 9111 §4.2.4: no-cache, must-revalidate and proxy-revalidate forbid it. s-maxage implies
    proxy-revalidate (§5.2.2.10) and so shuts out the operator's grace; a stale-* directive beside
    it is the origin's own, more exact word and holds.
    """
    if _forbids_stale(directives):
        return 0.0, 0.0
    # What was never fresh (max-age=0) was never meant to be shown to a second visitor either.
    forbids_grace = directives.s_maxage is not None or not lifetime.seconds
    grace = 0.0 if forbids_grace else policy.grace
    return directives.stale_while_revalidate or 0.0, max(directives.stale_if_error or 0.0, grace)


def stored_headers(headers: Headers, directives: ResponseDirectives) -> list[Field]:
    """The fields to keep: end-to-end ones, without those that no-cache= and private= name.

    Age is left out: it is computed anew for every use (RFC 9111 §4). The fields named go to the
    client whose request fetched the response, and to nobody else.
    """
    dropped = {b"age", b"cache-status"} | directives.no_cache_fields | directives.private_fields
    return without(end_to_end(headers), dropped)


class Reuse(Enum):
    """What a stored response is good for now."""

    FRESH = "fresh"
    STALE_WHILE_REVALIDATE = "stale-while-revalidate"
    VALIDATE = "validate"


def reuse(facts: Facts, now: float) -> Reuse:
    """RFC 9111 §4 and RFC 5861 §3 for a request whose own directives do not count."""
    if now < facts.fresh_until:
        return Reuse.FRESH
    if now < facts.revalidate_until:
        return Reuse.STALE_WHILE_REVALIDATE
    return Reuse.VALIDATE


def reuse_as_asked(facts: Facts, now: float, asked: RequestDirectives) -> Reuse:
    """The same where requests are obeyed (`CachePolicy.obeys_requests`; RFC 9111 §5.2.1)."""
    if asked.no_cache or (asked.max_age is not None and facts.age(now) > asked.max_age):
        return Reuse.VALIDATE
    if asked.min_fresh is not None and facts.fresh_until - now < asked.min_fresh:
        return Reuse.VALIDATE
    verdict = reuse(facts, now)
    if verdict is Reuse.VALIDATE and _accepts_stale(facts, now, asked):
        return Reuse.STALE_WHILE_REVALIDATE
    return verdict


def _accepts_stale(facts: Facts, now: float, asked: RequestDirectives) -> bool:
    # max-stale does not overrule the origin (§5.2.1.2 with §4.2.4).
    if asked.max_stale is None or facts.forbids_stale:
        return False
    return now - facts.fresh_until <= asked.max_stale


def may_replace_error(facts: Facts, now: float) -> bool:
    """Whether the stored response may stand in for an origin that fails (RFC 5861 §4, grace)."""
    return now < facts.error_until


# RFC 5861 §4 names these; a timeout or a refused connection counts as one of them.
ERROR_STATUSES = frozenset({500, 502, 503, 504})


def may_serve_authorized(facts: Facts) -> bool:
    """Whether a request that carries Authorization may have this response (RFC 9111 §3.5)."""
    return facts.serves_authorized
