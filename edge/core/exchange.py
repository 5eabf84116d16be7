"""The life of one exchange as a table: which step follows which, and on what grounds.

    begin ─▶ Pass | Lookup | PlainLookup
    Lookup      ─▶ after_lookup       ─▶ Splice | Fetch | Pass
    Fetch       ─▶ after_fetch        ─▶ Splice | Lookup | Pass | Fail
    PlainLookup ─▶ after_plain_lookup ─▶ Serve | Validate | Ask | Probe
    Ask         ─▶ after_fill         ─▶ Serve | Ask | Fail      (only what was for all lately)
    Validate    ─▶ after_validation   ─▶ Serve | Ask | Fail
    Probe       ─▶ after_probe        ─▶ Splice | Lookup | Relay | Probe | Ask | Fail

Fetch and Probe keep the shell that they bring: who asked for it may be gone by then. `Refuse`,
`Pass`, `Ask`, `Relay`, `Serve`, `Splice` and `Fail` answer the visitor and end the exchange.
Decisions are made here from values alone; `edge.handler` performs the steps.
"""

from __future__ import annotations

from edge.core.cache_status import CacheStatus, Forward
from edge.core.facts import Facts
from edge.core.inbound import Inbound
from edge.core.messages import has
from edge.core.policy import ERROR_STATUSES, Reuse, may_replace_error
from edge.core.prepared import PreparedShell
from edge.core.site import PageRecord, Site
from edge.core.steps import (
    PLAIN,
    Ask,
    Declined,
    Fail,
    Failed,
    Fetch,
    Fetched,
    Found,
    Lookup,
    Pass,
    PlainFound,
    PlainLookup,
    Probe,
    Probed,
    Relay,
    Serve,
    Shelled,
    Splice,
    Step,
    Undecided,
    Unfit,
    Validate,
    Validated,
    ValidationOutcome,
)
from edge.core.stored import StoredResponse
from edge.core.visitor import Visitor


def begin(
    inbound: Inbound,
    visitor: Visitor | None,
    site: Site | None,
    record: PageRecord | None,
    marked: str | None,
) -> Step:
    """The first step. `marked`: the URL is known to be no two-pass page, and why."""
    method = inbound.head.method
    if method not in (b"GET", b"HEAD"):
        return Pass(Forward.METHOD, "method")
    if inbound.has_body:
        return Pass(Forward.BYPASS, "body")
    if site is None or visitor is None:
        return PlainLookup()
    if reason := bypass_reason(inbound, visitor, site, record):
        return Pass(Forward.BYPASS, reason)
    if record is not None:
        return Lookup()
    if marked is not None and marked != PLAIN:
        return Pass(Forward.BYPASS, marked)
    # A HEAD brings no body that could be a shell: it is no question of what the URL is. Whoever
    # sends Authorization gets no shell either.
    asks = method == b"GET" and marked is None
    return PlainLookup(probes=asks and not has(inbound.head.headers, b"authorization"))


def bypass_reason(
    inbound: Inbound, visitor: Visitor, site: Site, record: PageRecord | None
) -> str | None:
    """Why a request must not meet shared pages at all, if so."""
    headers = inbound.head.headers
    if record is not None and has(headers, b"authorization"):
        return "authorization"
    if site.bypass_cookies and visitor.has_any(site.bypass_cookies):
        return "bypass-cookie"
    if site.varying(headers, record.dimensions if record else ()) is not None:
        return "varying-header"
    return None


def after_lookup(found: Found, now: float) -> Step:
    """What a shell in the store, or its absence, leads to."""
    if found.marked is not None:
        return _not_a_page(found.marked)
    shell = found.shell
    if shell is None:
        return Fetch(Forward.URI_MISS)
    expiry = shell.expiry
    if expiry.is_fresh(now):
        return Splice(shell, CacheStatus(ttl=expiry.ttl(now)))
    if expiry.may_refresh(now) or (found.paused and expiry.may_replace_error(now)):
        detail = "stale-if-error" if found.paused else "stale-while-revalidate"
        status = CacheStatus(ttl=expiry.ttl(now), detail=detail)
        return Splice(shell, status, refresh=not found.paused)
    return Fetch(Forward.STALE, shell if expiry.may_replace_error(now) else None)


def after_fetch(step: Fetch, fetched: Fetched, own_key: bytes, now: float) -> Step:
    """What the answer to a first pass leads to. `own_key`: of this visitor's page, by what the

    shell says it differs by; where that was not known before, it may be another shell's.
    """
    match fetched:
        case Shelled(shell, key, stored, collapsed):
            if key != own_key:
                return Lookup()
            status = CacheStatus(
                step.forward, fwd_status=shell.status, ttl=shell.expiry.ttl(now),
                stored=stored and not collapsed, collapsed=collapsed,
            )  # fmt: skip
            return Splice(shell, status)
        case Declined():
            if step.stale is not None and fetched.failed:
                return _stale_instead(step.stale, now)
            return _not_a_page(fetched.reason)
        case Failed(http_status, detail):
            if step.stale is not None:
                return _stale_instead(step.stale, now)
            return Fail(http_status, detail, step.forward)


def after_probe(probed: Probed, own_key: bytes, now: float) -> Step:
    """What a probe, one's own or the one waited for, leads to."""
    match probed:
        case Shelled():
            return after_fetch(Fetch(Forward.URI_MISS), probed, own_key, now)
        case Declined(reason, http_status):
            detail = None if reason == PLAIN else reason
            return Relay(CacheStatus(Forward.URI_MISS, fwd_status=http_status, detail=detail))
        case Failed(http_status, detail):
            return Fail(http_status, detail, Forward.URI_MISS)
        case Undecided("plain"):
            return Ask(Forward.URI_MISS)
        case Undecided("gone"):
            return Probe()
        case Undecided():
            return Probe(joins=False)


def after_plain_lookup(step: PlainLookup, found: PlainFound, now: float) -> Step:
    """RFC 9111 §4: what may be used as it is, what must be validated, what must be asked for."""
    stored = found.stored
    if stored is None:
        if found.only_if_cached:
            return Fail(504, "only-if-cached", Forward.URI_MISS)
        if step.probes:
            return Probe()
        return Ask(Forward.VARY_MISS if found.has_variants else Forward.URI_MISS)
    facts = stored.facts
    if found.reuse is Reuse.FRESH:
        return Serve(stored, CacheStatus(ttl=remaining(facts, now)))
    if found.reuse is Reuse.STALE_WHILE_REVALIDATE:
        status = CacheStatus(ttl=remaining(facts, now), detail="stale-while-revalidate")
        return Serve(stored, status, refresh=not found.paused)
    if found.paused and may_replace_error(facts, now):
        return _stale_response(stored, now)
    return Validate(stored)


def after_validation(
    step: Validate, outcome: ValidationOutcome, *, collapsed: bool, now: float
) -> Step:
    """What an answer about a stored response leads to; stale may replace an error (RFC 5861)."""
    may_stand_in = may_replace_error(step.stored.facts, now)
    match outcome:
        case Validated(stored, http_status):
            status = CacheStatus(
                Forward.STALE, fwd_status=http_status, ttl=remaining(stored.facts, now),
                stored=not collapsed, collapsed=collapsed,
            )  # fmt: skip
            return Serve(stored, status)
        case Unfit(http_status):
            if http_status in ERROR_STATUSES and may_stand_in:
                return _stale_response(step.stored, now)
            return Ask(Forward.STALE)
        case Failed(http_status, detail):
            if may_stand_in:
                return _stale_response(step.stored, now)
            # §5.2.2.2: who forbids stale answers wants to hear of it
            status_code = 504 if step.stored.facts.forbids_stale else http_status
            return Fail(status_code, detail, Forward.STALE)


def after_fill(
    step: Ask, outcome: ValidationOutcome, found: PlainFound, *, collapsed: bool, now: float
) -> Step:
    """What an answer that several waited for leads to. `found`: what of it this request selects.

    Whoever selects nothing of it (another variant, or nothing was stored) asks alone.
    """
    match outcome:
        case Validated(stored, http_status):
            is_kept = found.stored is not None and found.reuse is Reuse.FRESH
            if is_kept and found.stored is not None:
                stored = found.stored
            elif collapsed:
                return step
            status = CacheStatus(
                step.forward, fwd_status=http_status, ttl=remaining(stored.facts, now),
                stored=is_kept and not collapsed, collapsed=collapsed,
            )  # fmt: skip
            return Serve(stored, status)
        case Unfit():
            return step
        case Failed(http_status, detail):
            return Fail(http_status, detail, step.forward)


def remaining(facts: Facts, now: float) -> int:
    """The `ttl` of Cache-Status; what must always be validated was never fresh."""
    return int(max(facts.fresh_until, facts.born_at) - now)


def _not_a_page(reason: str) -> Step:
    return PlainLookup() if reason == PLAIN else Pass(Forward.BYPASS, reason)


def _stale_response(stored: StoredResponse, now: float) -> Serve:
    return Serve(stored, CacheStatus(ttl=remaining(stored.facts, now), detail="stale-if-error"))


def _stale_instead(shell: PreparedShell, now: float) -> Splice:
    status = CacheStatus(ttl=shell.expiry.ttl(now), detail="stale-if-error")
    return Splice(shell, status)
