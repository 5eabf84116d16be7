"""Requests to the origin, by kind: what of the visitor's request goes along, and what never."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass

from edge.core import cookies
from edge.core.inbound import Inbound
from edge.core.messages import Field, first, without
from edge.core.validation import CONDITIONAL_FIELDS
from edge.core.visitor import Visitor
from fragments.bundle import REQUEST_TYPE
from fragments.dimensions import CONTEXT_COOKIE, Dimension, seal_context
from fragments.headers import CAPABILITY, MIN_LSN, PassKind
from fragments.manifest import BUNDLE_PATH
from fragments.signing import Keyring

VIA = b"1.1 twopass"

ESI_CAPABILITY = 'twopass-esi="ESI/1.0"'
"""What origins of any kind may answer with; a member of its own, as two-pass origins look for

theirs as it stands.
"""

SHORT = 64 * 1024
"""Bytes of a body that can be sent whole before the answer is read."""

# A bundle is a POST with a body of its own: what describes the visitor's message or asks for a
# part, a coding or a condition would be read as if it spoke of the bundle.
_NOT_IN_BUNDLES = CONDITIONAL_FIELDS | {
    b"accept-encoding",
    b"authorization",
    b"content-encoding",
    b"content-length",
    b"content-type",
    b"cookie",
    b"range",
    b"host",
}


@dataclass(frozen=True, slots=True)
class OriginRequest:
    """A request for the origin. `kind` says which proof it carries, None for none."""

    method: bytes
    host: bytes
    target: bytes
    headers: list[Field]
    kind: PassKind | None
    body: bytes | AsyncIterator[bytes] = b""

    @property
    def is_long(self) -> bool:
        """Whether the body streams and is not known to fit into the sockets' buffers."""
        length = first(self.headers, b"content-length")
        return not isinstance(self.body, bytes) and (length is None or int(length) > SHORT)

    @property
    def is_repeatable(self) -> bool:
        """Whether it may be sent again when a pooled connection was dead (RFC 9110 §9.2.2)."""
        return self.method in (b"GET", b"HEAD") and self.body == b""


def visitors_own(
    inbound: Inbound, *, asks_for_shell: bool, body: bytes | AsyncIterator[bytes] = b""
) -> OriginRequest:
    """The visitor's request as it is: a probe with `asks_for_shell`, else a pass."""
    head = inbound.head
    headers = cookies.forwarded(head.headers)
    if isinstance(body, bytes):
        headers = without(headers, (b"content-length",)) if not inbound.has_body else headers
    elif not any(name == b"content-length" for name, _ in headers):
        headers.append((b"transfer-encoding", b"chunked"))
    headers += _forwarding(inbound)
    capability = f"{CAPABILITY}, {ESI_CAPABILITY}" if asks_for_shell else ESI_CAPABILITY
    headers.append((b"surrogate-capability", capability.encode()))
    # The proof covers the body, which streams; only a request without one can carry it.
    is_provable = head.method in (b"GET", b"HEAD") and not inbound.has_body
    kind: PassKind | None = "probe" if is_provable else None
    return OriginRequest(head.method, head.host, head.target, headers, kind, body)


def first_pass(
    inbound: Inbound,
    target: bytes,
    dimensions: Iterable[Dimension],
    values: Mapping[str, str],
    keyring: Keyring,
    min_lsn: str | None,
) -> OriginRequest:
    """A page for nobody: what goes along is what is listed here, and nothing else."""
    dimensions = tuple(dimensions)
    headers = [
        *_where(inbound),
        (b"surrogate-capability", CAPABILITY.encode()),
        *dimension_fields(dimensions, values),
    ]
    if sent := dimension_cookies(dimensions, values, keyring):
        headers.append((b"cookie", cookies.field_of(sent)))
    if min_lsn is not None:
        headers.append((MIN_LSN.lower().encode(), min_lsn.encode("ascii")))
    return OriginRequest(b"GET", inbound.head.host, target, headers, "first")


def personal_bundle(
    inbound: Inbound, sent: Mapping[str, str], body: bytes, min_lsn: str | None
) -> OriginRequest:
    """The fragments of one visitor, with their own fields and the cookies `sent`."""
    headers = [field for field in inbound.head.headers if field[0] not in _NOT_IN_BUNDLES]
    return _bundle(inbound, [*headers, *_forwarding(inbound)], sent, body, min_lsn)


def impersonal_bundle(
    inbound: Inbound,
    fields: Iterable[Field],
    sent: Mapping[str, str],
    body: bytes,
    min_lsn: str | None,
) -> OriginRequest:
    """Fragments that are shared: asked for as a first pass is, with nothing of the visitor.

    `fields` and the cookies `sent` say the values of dimensions.
    """
    return _bundle(inbound, [*_where(inbound), *fields], sent, body, min_lsn)


def _bundle(
    inbound: Inbound,
    headers: list[Field],
    sent: Mapping[str, str],
    body: bytes,
    min_lsn: str | None,
) -> OriginRequest:
    headers = [
        *headers,
        (b"content-type", REQUEST_TYPE.encode()),
        (b"content-length", b"%d" % len(body)),
        (b"surrogate-capability", CAPABILITY.encode()),
    ]
    if sent:
        headers.append((b"cookie", cookies.field_of(sent)))
    if min_lsn is not None:
        headers.append((MIN_LSN.lower().encode(), min_lsn.encode("ascii")))
    target = BUNDLE_PATH.encode()
    return OriginRequest(b"POST", inbound.head.host, target, headers, "second", body)


def own_cookies(
    visitor: Visitor, dimensions: Iterable[Dimension], values: Mapping[str, str]
) -> dict[str, str]:
    """The visitor's cookies for a bundle.

    Those of dimensions carry the reduced value, which is the one in the keys; drawn buckets are
    there although the visitor does not have the cookie yet.
    """
    sent = dict(visitor.cookies)
    for dimension in dimensions:
        value = values.get(dimension.name)
        if value is None or not _has_cookie(dimension):
            continue
        if dimension.source == "bucket" or dimension.field in sent:
            sent[dimension.field] = value
    return sent


def dimension_cookies(
    dimensions: Iterable[Dimension], values: Mapping[str, str], keyring: Keyring
) -> dict[str, str]:
    """The cookies that say the values of `dimensions`, context ones sealed for no session."""
    found: dict[str, str] = {}
    context: dict[str, str] = {}
    for dimension in dimensions:
        value = values.get(dimension.name)
        if value is None:
            continue
        if dimension.source == "context":
            context[dimension.field] = value
        elif _has_cookie(dimension):
            found[dimension.field] = value
    if context:
        found[CONTEXT_COOKIE] = seal_context(keyring, "", context)
    return found


def dimension_fields(dimensions: Iterable[Dimension], values: Mapping[str, str]) -> list[Field]:
    """The header fields that say the values of `dimensions`."""
    found: list[Field] = []
    for dimension in dimensions:
        value = values.get(dimension.name)
        if value is None:
            continue
        if dimension.source == "language":
            found.append((b"accept-language", value.encode()))
        elif dimension.source == "header" and (text := canonical_text(dimension, value)):
            found.append((dimension.field.lower().encode(), text.encode()))
    return found


def canonical_text(dimension: Dimension, value: str) -> str | None:
    """A field value that the dimension reduces to `value`; None when it takes no field at all."""
    candidates = [text for text, leads_to in dimension.matches if leads_to == value] or [value]
    name = dimension.field.lower()
    for text in candidates:
        if dimension.reduce({}, {name: text}, {}) == value:
            return text
    return None


def _has_cookie(dimension: Dimension) -> bool:
    return dimension.source in ("cookie", "language", "bucket")


def _where(inbound: Inbound) -> list[Field]:
    """Host, and how the visitor reached it: what a page's absolute URLs are made of."""
    head = inbound.head
    _, colon, port = head.host.rpartition(b":")
    if not colon or not port.isdigit():
        port = b"443" if head.scheme == b"https" else b"80"
    return [
        (b"host", head.host),
        (b"x-forwarded-proto", head.scheme),
        (b"x-forwarded-host", head.host),
        (b"x-forwarded-port", port),
        (b"via", VIA),
    ]


def _forwarding(inbound: Inbound) -> list[Field]:
    client = inbound.client.encode("latin-1")
    return [*_where(inbound), *([(b"x-forwarded-for", client)] if client else [])]
