"""The life of one exchange as a table: which step follows which, and on what grounds.

    begin ─▶ Refuse | Pass | Probe | Lookup
    Lookup ─▶ after_lookup ─▶ Splice | Fetch | Pass
    Fetch  ─▶ after_fetch  ─▶ Splice | Lookup | Pass | Fail
    Probe  ─▶ after_probe  ─▶ Splice | Lookup | Relay | Probe | Pass | Fail

Fetch and Probe keep the shell that they bring: who asked for it may be gone by then. `Refuse`,
`Pass`, `Relay`, `Splice` and `Fail` answer the visitor and end the exchange. Decisions are made
here from values alone; `edge.handler` performs the steps.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from edge.core.cache_status import CacheStatus, Forward
from edge.core.inbound import Inbound
from edge.core.messages import has
from edge.core.prepared import PreparedShell
from edge.core.site import PageRecord, Site
from edge.core.visitor import Visitor

PASS_REASONS: Final = frozenset(
    {"guard", "csrf", "set-cookie", "status", "size", "vary", "method", "error"}
)
"""Why an origin could not make a shell (field TwoPass-Pass); others are shown as "other"."""


@dataclass(frozen=True, slots=True)
class Page:
    """A two-pass page for one set of dimension values, `target` as the origin is asked for it."""

    key: bytes
    target: bytes
    label: str
    record: PageRecord
    values: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Refuse:
    """Answer without asking anybody."""

    status: int
    message: str


@dataclass(frozen=True, slots=True)
class Pass:
    """Forward the visitor's own request, store nothing."""

    forward: Forward
    detail: str


@dataclass(frozen=True, slots=True)
class Probe:
    """Forward the visitor's own request and learn from the answer what the URL is.

    `joins`: wait for the verdict of whoever asks already.
    """

    joins: bool = True


@dataclass(frozen=True, slots=True)
class Lookup:
    """Look the page up in the store."""


@dataclass(frozen=True, slots=True)
class Fetch:
    """Ask the origin for a shell, for nobody. `stale` may stand in if that fails."""

    forward: Forward
    stale: PreparedShell | None = None


@dataclass(frozen=True, slots=True)
class Splice:
    """Answer with the shell, its holes filled. `refresh`: renew it in the background."""

    shell: PreparedShell
    status: CacheStatus
    refresh: bool = False


@dataclass(frozen=True, slots=True)
class Relay:
    """Answer with the response that the probe brought."""

    status: CacheStatus


@dataclass(frozen=True, slots=True)
class Fail:
    """The origin gave no answer that could be shown."""

    status: int
    detail: str
    forward: Forward = Forward.MISS


Step: TypeAlias = Refuse | Pass | Probe | Lookup | Fetch | Splice | Relay | Fail


@dataclass(frozen=True, slots=True)
class Shelled:
    """The origin made a shell. `key`: of the page and the values it was rendered for."""

    shell: PreparedShell
    key: bytes
    stored: bool
    collapsed: bool = False


@dataclass(frozen=True, slots=True)
class Declined:
    """The origin marked the page as one to pass (TwoPass-Pass), or answered without a shell."""

    reason: str
    http_status: int

    @property
    def failed(self) -> bool:
        """Whether the page is broken rather than merely no shell (RFC 5861 §4 may apply)."""
        return self.reason == "error" or self.http_status >= 500


@dataclass(frozen=True, slots=True)
class Failed:
    """No usable answer. `status`: 502 or 504."""

    status: int
    detail: str


@dataclass(frozen=True, slots=True)
class Undecided:
    """Somebody else's probe: `verdict` is what is known of it after the wait."""

    verdict: Literal["plain", "timeout", "gone"]


Fetched: TypeAlias = Shelled | Declined | Failed
Probed: TypeAlias = Shelled | Declined | Failed | Undecided


@dataclass(frozen=True, slots=True)
class Found:
    """What the store holds for a page. `marked`: the reason of a hit-for-pass mark in force;
    `paused`: the last fetch failed so recently that no other is due."""

    shell: PreparedShell | None = None
    marked: str | None = None
    paused: bool = False


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
    if site is None or visitor is None:
        return Pass(Forward.BYPASS, "no-manifest")
    if reason := bypass_reason(inbound, visitor, site, record):
        return Pass(Forward.BYPASS, reason)
    if marked is not None:
        return Pass(Forward.BYPASS, marked)
    if record is not None:
        return Lookup()
    # A HEAD brings no body that could be a shell: it is no question of what the URL is.
    return Probe() if method == b"GET" else Pass(Forward.URI_MISS, "unknown")


def bypass_reason(
    inbound: Inbound, visitor: Visitor, site: Site, record: PageRecord | None
) -> str | None:
    """Why a request must not meet shared pages at all, if so."""
    headers = inbound.head.headers
    if has(headers, b"authorization"):
        return "authorization"
    if site.bypass_cookies and visitor.has_any(site.bypass_cookies):
        return "bypass-cookie"
    if inbound.has_body:
        return "body"
    if site.varying(headers, record.dimensions if record else ()) is not None:
        return "varying-header"
    return None


def after_lookup(found: Found, now: float) -> Step:
    """What a shell in the store, or its absence, leads to."""
    if found.marked is not None:
        return Pass(Forward.BYPASS, found.marked)
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
            return Pass(Forward.BYPASS, fetched.reason)
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
            return Relay(CacheStatus(Forward.URI_MISS, fwd_status=http_status, detail=reason))
        case Failed(http_status, detail):
            return Fail(http_status, detail, Forward.URI_MISS)
        case Undecided("plain"):
            return Pass(Forward.URI_MISS, "plain")
        case Undecided("gone"):
            return Probe()
        case Undecided():
            return Probe(joins=False)


def _stale_instead(shell: PreparedShell, now: float) -> Splice:
    status = CacheStatus(ttl=shell.expiry.ttl(now), detail="stale-if-error")
    return Splice(shell, status)
