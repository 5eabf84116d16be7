"""A plain response in the store, and the answers that it gives (RFC 9110, RFC 9111)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import inf

from edge.core.cache_status import CacheStatus, append, hit
from edge.core.dates import format_http_date
from edge.core.esi_document import Document
from edge.core.facts import Facts
from edge.core.invalidation import groups
from edge.core.messages import Field, RequestHead, combined, has, is_wire_safe, without
from edge.core.outbound import VIA
from edge.core.page_headers import CACHE
from edge.core.policy import Assessment
from edge.core.prepared import OVERHEAD, SOFT_WINDOW, Expiry, is_sendable, label_size
from edge.core.purge import Labels
from edge.core.shared import shared_fields
from edge.core.validation import Precondition, RangeAnswer, precondition, select_range
from edge.core.vary import NO_VARY

URI_GROUP = "uri:"

BODILESS = frozenset({204, 304})
"""Statuses whose messages end with their head (RFC 9112 §6.3)."""

_IN_304 = frozenset(
    {b"cache-control", b"content-location", b"date", b"etag", b"expires", b"last-modified",
     b"vary", b"cdn-cache-control"}
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class StoredResponse:
    """`key` is the full one, variant included; `headers` are ready to send but for Age, Via,
    Cache-Status and Content-Length. `nearer`: Cache-Status of caches between here and the origin.
    `document`: it is to be played as ESI; then `body` is without content coding. `is_simple`: all
    get the same of it, and the server will send it as it stands.
    """

    key: bytes
    facts: Facts
    headers: tuple[Field, ...]
    body: bytes
    labels: Labels
    nearer: bytes | None
    size: int
    document: Document | None = None
    is_simple: bool = False

    @property
    def expiry(self) -> Expiry:
        """Its times as the store sees them; what can be validated is of use for ever."""
        facts = self.facts
        can_validate = facts.etag is not None or facts.last_modified is not None
        error_until = inf if can_validate else facts.error_until
        return Expiry(facts.born_at, facts.fresh_until, facts.revalidate_until, error_until)

    def softened(self, now: float) -> StoredResponse:
        """Stale from now on; shown stale only where the origin allows that at all."""
        facts = self.facts
        if facts.fresh_until == -inf:
            return self  # must be validated in any case
        fresh = min(facts.fresh_until, now)
        least = now if facts.forbids_stale else now + SOFT_WINDOW
        softer = replace(
            facts,
            fresh_until=fresh,
            revalidate_until=max(fresh + facts.revalidate_until - facts.fresh_until, least),
            error_until=max(fresh + facts.error_until - facts.fresh_until, least),
        )
        return replace(self, facts=softer)


@dataclass(frozen=True, slots=True)
class Reply:
    """What is sent: status, fields and body (empty for HEAD; its length is in the fields)."""

    status: int
    headers: list[Field]
    body: bytes


def uri_group(uri: bytes) -> str:
    """The group that an unsafe request to `uri` invalidates (RFC 9111 §4.4).

    Each plain response is in that of its key; pages of two passes are not: who puts something into
    a basket must not make the page new for everybody, and what changed for all is purged by name.
    """
    return URI_GROUP + uri.decode("ascii")


def prepare(
    request: RequestHead,
    key: bytes,
    assessment: Assessment,
    content: bytes | Document,
    label: str,
) -> StoredResponse:
    """Make a response ready to be stored. Raises TooManyGroups."""
    headers = assessment.headers
    document = content if isinstance(content, Document) else None
    body = content if isinstance(content, bytes) else content.body
    if document is not None:
        headers = without(headers, (b"content-encoding",))
    named = sorted(group.decode("latin-1") for group in groups(headers))
    kept = [
        field for field in without(headers, (b"content-length", b"via")) if is_sendable(field[0])
    ]
    if not has(kept, b"date"):
        kept.append((b"date", format_http_date(assessment.facts.born_at)))
    fields, size = shared_fields(kept)
    size += OVERHEAD + len(key) + len(body) + label_size(named)
    size += 0 if document is None else document.size
    return StoredResponse(
        key=key,
        facts=assessment.facts,
        headers=fields,
        body=body,
        labels=Labels(label, tuple(named)),
        nearer=combined(headers, b"cache-status"),
        size=size,
        document=document,
        is_simple=(
            document is None
            and assessment.facts.vary == NO_VARY
            and assessment.facts.status not in BODILESS
            and is_wire_safe(kept)
        ),
    )


def reply(stored: StoredResponse, request: RequestHead, status: CacheStatus, now: float) -> Reply:
    """The answer that a stored response gives: conditions first, then ranges (RFC 9110 §13.2.2)."""
    fields = trace(stored, status, now)
    if precondition(request.headers, stored.facts, now) is Precondition.NOT_MODIFIED:
        kept = [field for field in stored.headers if field[0] in _IN_304]
        return Reply(304, [*kept, *fields], b"")
    part = RangeAnswer.WHOLE
    if request.method == b"GET":
        chosen = select_range(request.headers, stored.headers, stored.facts, len(stored.body), now)
        if not isinstance(chosen, RangeAnswer):
            body = stored.body[chosen.start : chosen.stop]
            extra = [(b"content-range", chosen.content_range)]
            return Reply(206, _sized([*stored.headers, *extra, *fields], body), body)
        part = chosen
    if part is RangeAnswer.UNSATISFIABLE:
        extra = [(b"content-range", b"bytes */%d" % len(stored.body))]
        return Reply(416, _sized([*extra, *fields], b""), b"")
    body = stored.body if request.method == b"GET" else b""
    if stored.facts.status in BODILESS:
        return Reply(stored.facts.status, [*stored.headers, *fields], b"")
    return Reply(stored.facts.status, _sized([*stored.headers, *fields], stored.body), body)


def _sized(fields: Sequence[Field], body: bytes) -> list[Field]:
    return [*fields, (b"content-length", b"%d" % len(body))]


def trace(stored: StoredResponse, status: CacheStatus, now: float) -> list[Field]:
    """The fields that say how this use of a stored response came about."""
    is_plain_hit = status == CacheStatus(ttl=status.ttl) and status.ttl is not None
    own = hit(CACHE, status.ttl or 0) if is_plain_hit else status.serialise(CACHE.decode())
    return [
        (b"age", b"%d" % stored.facts.age(now)),
        (b"cache-status", append(stored.nearer, own)),
        (b"via", VIA),
    ]
