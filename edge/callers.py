"""Requests as the fast path takes them apart: where they go, and who sends them.

Both are worked out once and found again by the bytes on the wire, as most requests repeat either.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import replace
from itertools import islice
from typing import TypeVar

import httptools

from edge.core.inbound import Inbound, Refused, visitors_fields
from edge.core.messages import Field, Headers
from edge.core.site import Site
from edge.core.visitor import Visitor
from edge.edge import Edge
from fragments.csrf import unmask

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Memo(dict[K, V]):
    """What can be worked out again: at most `limit` entries, the oldest leave first."""

    def __init__(self, limit: int) -> None:
        super().__init__()
        self.limit = limit

    def keep(self, key: K, value: V) -> None:
        """Remember `value`."""
        if len(self) >= self.limit:
            for old in list(islice(self, max(1, self.limit // 8))):
                del self[old]
        self[key] = value


class Address:
    """Where requests go: an inbound request of nobody in particular."""

    __slots__ = ("inbound", "path_key")

    def __init__(self, inbound: Inbound) -> None:
        self.inbound = inbound
        self.path_key = inbound.site + inbound.path

    def called_by(self, caller: Caller) -> Inbound:
        """The request of `caller` at this address, but for the fields that nothing depends on."""
        head = replace(self.inbound.head, headers=caller.fields)
        return replace(self.inbound, head=head)


def address_of(
    edge: Edge, scheme: bytes, peer: str, target: bytes, fields: Headers
) -> Address | None:
    """The address of a request by its Host and forwarding `fields`; None where it names none."""
    if not target.startswith(b"/") or b"#" in target:
        return None
    try:
        parsed = httptools.parse_url(target)
        inbound = edge.gatekeeper.admit(b"GET", scheme, peer, target, fields)
    except (httptools.HttpParserInvalidURLError, Refused):
        return None
    path, _, query = target.partition(b"?")
    if parsed.path != path or (parsed.query or b"") != query or inbound.is_internal:
        return None  # read otherwise than it stands: that is for the app to judge
    return None if inbound.head.host in edge.esi_origins else Address(inbound)


class Caller:
    """Who sends requests: the fields of theirs that anything may depend on."""

    __slots__ = ("fields", "is_plain", "secret", "visitor")

    def __init__(self, fields: list[Field], site: Site | None) -> None:
        self.fields = fields = visitors_fields(fields)
        self.visitor = None if site is None else Visitor(fields, site.manifest.session_cookie)
        self.secret: str | None = None
        self.is_plain = True
        """Whether neither a cookie nor a field of theirs keeps them from pages for everybody."""
        if site is None or self.visitor is None:
            return
        self.is_plain = not (
            self.visitor.has_any(site.bypass_cookies) or site.varying(fields, ()) is not None
        )
        if (spec := site.manifest.csrf_cookie) is not None:
            cookie = self.visitor.cookies.get(spec.name)
            self.secret = unmask(cookie) if cookie else None
