"""What leaves the edge with a page: fields that hold for the whole of it, shell and fragments."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from collections.abc import Iterable, Sequence

from edge.core.cache_status import CacheStatus, append, hit
from edge.core.facts import Facts
from edge.core.messages import Field, Headers, combined, end_to_end, with_vary
from edge.core.outbound import VIA
from edge.core.plan import Plan
from edge.core.prepared import PreparedShell, is_sendable, safe_value
from edge.core.validation import Precondition, precondition
from edge.core.visitor import is_shared_by_cookie
from fragments.bundle import FramePart
from fragments.dimensions import Dimension
from fragments.shell import FragmentHole, Part
from fragments.signing import Keyring
from fragments.splice import fill

CACHE = b"twopass"
"""The name under which this cache appears in Cache-Status."""

PRIVATE = (b"cache-control", b"private, no-cache")
NO_STORE = (b"cache-control", b"private, no-store")
SHARED = (b"cache-control", b"no-cache")
UNBUFFERED = (b"x-accel-buffering", b"no")
"""nginx in front of the edge would hold back a page that arrives in parts."""


GZIP = (b"content-encoding", b"gzip")


def page_fields(
    shell: PreparedShell, plan: Plan, token: bytes, nonce: bytes, set_cookies: Sequence[Field]
) -> list[Field]:
    """The page's own fields, holes filled, with the Cache-Control of its strictest part."""
    control = cache_control(shell, plan)
    if set_cookies and control not in (PRIVATE, NO_STORE):
        control = PRIVATE
    fields = [field for field in shell.fields if control is None or field[0] != b"cache-control"]
    for name, parts in shell.filled_fields:
        fields.append((name, safe_value(fill(_without_fragments(parts), token, nonce))))
    if control is not None:
        fields.append(control)
    fields += set_cookies
    names = [d.field.lower().encode() for d in shell.shell.dimensions if d.source == "header"]
    return with_vary(fields, names) if names else fields


def cache_control(shell: PreparedShell, plan: Plan) -> Field | None:
    """What others may do with the page; None where its own word holds.

    Private, whoever it is for: also a visitor whose holes are empty gets a page that is nobody
    else's (the next one behind the same downstream cache may have a basket).
    """
    if shell.gate or plan.is_no_store:
        return NO_STORE
    is_private = any(hole.scope != "public" for hole in shell.holes)
    if is_private or shell.has_csrf or shell.has_nonce or is_shared_by_cookie(_dimensions(shell)):
        return PRIVATE
    if shell.holes or not any(name == b"cache-control" for name, _ in shell.fields):
        return SHARED
    return None


def entity_tag(
    shell: PreparedShell, plan: Plan, csrf_secret: str | None, keyring: Keyring
) -> bytes | None:
    """The weak tag of a page all of whose parts are at hand, else None.

    It covers the CSRF secret and not its mask, which changes with every response; a nonce would
    have to change too, so pages with one have no tag.
    """
    if shell.status != 200 or plan.asked or plan.refresh or shell.gate or shell.has_nonce:
        return None
    if any(fragment.has_nonce for fragment in plan.held.values()):
        return None
    if shell.lead and shell.is_whole:
        return whole_tag(shell)
    has_csrf = shell.has_csrf or any(fragment.has_csrf for fragment in plan.held.values())
    parts = [shell.digest, (csrf_secret or "").encode() if has_csrf else b""]
    parts += [plan.held[hole].digest if hole in plan.held else b"" for hole in shell.holes]
    return _weak(keyring.digest("etag", *parts)[: len(shell.digest)])


def whole_tag(shell: PreparedShell) -> bytes:
    """The same of a page that is made ready, whose digest has been keyed already."""
    return _weak(shell.digest)


def _weak(digest: bytes) -> bytes:
    return b'W/"%s"' % urlsafe_b64encode(digest)


def is_not_modified(request: Headers, etag: bytes | None) -> bool:
    """Whether the visitor has this very page (RFC 9110 §13.1.2)."""
    if etag is None:
        return False
    facts = Facts(200, 0.0, 0.0, 0.0, 0.0, etag=etag)
    return precondition(request, facts, 0.0) is Precondition.NOT_MODIFIED


_IN_304 = frozenset(
    {b"cache-control", b"content-location", b"date", b"expires", b"vary", b"age", b"etag",
     b"cache-status", b"via", b"server-timing", b"set-cookie"}
)  # fmt: skip


def not_modified_fields(fields: Iterable[Field]) -> list[Field]:
    """Those of a 200's fields that its 304 repeats (RFC 9110 §15.4.5)."""
    return [field for field in fields if field[0] in _IN_304]


def status_fields(status: CacheStatus, age: int | None, timing: bytes | None) -> list[Field]:
    """Cache-Status, Age, Via and Server-Timing of what the edge answers by its own store."""
    value = hit(CACHE, status.ttl or 0) if status == CacheStatus(ttl=status.ttl) else None
    fields = [(b"cache-status", value or status.serialise(CACHE.decode())), (b"via", VIA)]
    if age is not None:
        fields.append((b"age", b"%d" % age))
    if timing is not None:
        fields.append((b"server-timing", timing))
    return fields


def timing(plan: Plan, *, is_hit: bool) -> bytes:
    """Server-Timing: where the shell came from, and what became of its holes."""
    return b'shell;desc="%s", fragments;desc="%d held, %d asked, %d empty"' % (
        b"hit" if is_hit else b"fetched",
        len(plan.held), len(plan.asked), len(plan.empty),
    )  # fmt: skip


def relayed_fields(headers: Headers, status: CacheStatus) -> list[Field]:
    """An origin's response as it leaves: without what belongs to one connection or to us."""
    own = status.serialise(CACHE.decode())
    fields = [
        field
        for field in end_to_end(headers)
        if is_sendable(field[0]) and field[0] not in (b"cache-status", b"via")
    ]
    fields.append((b"cache-status", append(combined(headers, b"cache-status"), own)))
    via = combined(headers, b"via")
    fields.append((b"via", VIA if via is None else via + b", " + VIA))
    return fields


def verdict_fields(headers: Iterable[tuple[str, str]]) -> list[Field]:
    """The fields of a gate's verdict: its own but for internal ones, never to be stored."""
    fields = [
        (name.lower().encode("latin-1"), safe_value(value.encode("latin-1", "replace")))
        for name, value in headers
    ]
    kept = [f for f in fields if is_sendable(f[0]) and f[0] not in _OF_A_MESSAGE]
    return [*kept, NO_STORE]


_OF_A_MESSAGE = frozenset({b"cache-control", b"content-length", b"date", b"set-cookie", b"via"})


def _without_fragments(parts: Iterable[Part]) -> list[FramePart]:
    """A header holds tokens and nonces; a fragment in it could come after the head has left."""
    return [part for part in parts if not isinstance(part, FragmentHole)]


def _dimensions(shell: PreparedShell) -> tuple[Dimension, ...]:
    return shell.shell.dimensions
