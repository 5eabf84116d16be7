"""A visitor's request as the edge takes it in: canonical, with nothing forged in it.

Whatever must not come from outside is dropped here, once, so that no later step has to think of
it: internal fields, forwarding fields of untrusted senders, fields that override method or path.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

from edge.core.forwarded import TrustedProxies
from edge.core.invalidation import GROUP_FIELDS
from edge.core.key import BadTarget, HostPatterns, canonical_host, canonical_target
from edge.core.messages import Field, Headers, RequestHead, end_to_end, first, has, values
from fragments.headers import INTERNAL_PREFIX, SURROGATE_FIELD
from fragments.manifest import INTERNAL_PREFIX as INTERNAL_PATHS

_INTERNAL_PATH = INTERNAL_PATHS.encode()

_DROPPED_PREFIXES = (INTERNAL_PREFIX.encode(), b"surrogate-", b"x-forwarded-")
# What frameworks and proxies let override the request line or the client's address.
_DROPPED = frozenset(
    {
        b"forwarded",
        b"x-original-url",
        b"x-original-uri",
        b"x-rewrite-url",
        b"x-http-method-override",
        b"x-http-method",
        b"x-method-override",
        b"x-real-ip",
        b"true-client-ip",
        b"expect",
        SURROGATE_FIELD.lower().encode(),
        # fields of responses: an origin that echoes them would label what is stored
        *GROUP_FIELDS,
        b"cdn-cache-control",
        b"x-esi-recursion-level",
    }
)


class Refused(Exception):
    """A request that the edge answers itself: `status` and a message for the client."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True, slots=True)
class Inbound:
    """A request after taking it in. `head` is as the origin may see it; `client` an IP address.

    `path` is the target without its query, `query` None where there is no "?".
    """

    head: RequestHead
    client: str
    path: bytes
    query: bytes | None
    has_body: bool

    @property
    def site(self) -> bytes:
        """Scheme and host: what every key begins with."""
        return self.head.scheme + b"://" + self.head.host

    @property
    def url(self) -> bytes:
        """The absolute URL as the visitor asked for it."""
        return self.site + self.head.target

    @property
    def is_internal(self) -> bool:
        """Whether the path is one of ours, spelt any way that an origin may read as such."""
        plain = b"/" + unquote_to_bytes(self.path).lower().lstrip(b"/")
        return plain.startswith(_INTERNAL_PATH) or plain + b"/" == _INTERNAL_PATH


@dataclass(frozen=True, slots=True)
class Gatekeeper:
    """Which hosts may be asked for, and whose forwarding fields are believed."""

    hosts: HostPatterns
    proxies: TrustedProxies

    def admit(
        self, method: bytes, scheme: bytes, peer: str, target: bytes, headers: Headers
    ) -> Inbound:
        """Take a request in. Raises Refused: 400 for a bad host or target, 421 for a foreign host.

        `peer` is the address of the other end ("" for a unix socket).
        """
        lines = values(headers, b"host")
        if len(lines) > 1:
            raise Refused(400, "The request names two hosts.")
        sender = self.proxies.sender(peer, scheme, lines[0] if lines else None, headers)
        if not sender.host:
            raise Refused(400, "The request names no host.")
        try:
            host = canonical_host(sender.host, sender.scheme)
            target = canonical_target(target)
        except BadTarget as error:
            raise Refused(400, f"{error}.") from error
        if not self.hosts.allow(host):
            raise Refused(421, "This server does not answer for that host.")
        path, mark, query = target.partition(b"?")
        kept = visitors_fields(headers)
        head = RequestHead(method, sender.scheme, host, target, kept)
        return Inbound(head, sender.client, path, query if mark else None, _has_body(headers))


def visitors_fields(headers: Headers) -> list[Field]:
    """What of a request's fields is the visitor's own and harmless."""
    # A name with "_" becomes the same CGI variable as one with "-" (WSGI, Django's ASGI handler),
    # so it could smuggle in what is dropped here; nginx drops such fields by default too.
    return [
        field
        for field in end_to_end(headers)
        if field[0] not in _DROPPED
        and not field[0].startswith(_DROPPED_PREFIXES)
        and b"_" not in field[0]
        and field[0] != b"host"
    ]


def _has_body(headers: Headers) -> bool:
    return has(headers, b"transfer-encoding") or first(headers, b"content-length") not in (
        None,
        b"0",
    )
