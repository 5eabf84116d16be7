"""Requests as the fast path takes them apart: where they go, and who sends them.

Both are worked out once and found again by the bytes on the wire, as most requests repeat either.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from itertools import islice
from typing import TypeVar

import httptools

from edge.core.inbound import Inbound, Refused, visitors_fields
from edge.core.messages import Field, Headers, RequestHead
from edge.core.site import PageRecord, Site
from edge.core.visitor import Visitor
from edge.edge import Edge
from fragments.csrf import unmask

OVERHEAD = 1024
"""Bytes that an address or a caller is taken to cost beside what was sent."""

ROUND = 1024
"""Entries after whose coming each one of a memo has been looked at again, at the latest."""
AT_LEAST = 4
"""Entries that are looked at for each that comes: in a small memo they come round sooner."""

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Memo(dict[K, V]):
    """What can be worked out again: at most `limit` in weight, the oldest leave first.

    `weigh` gives what an entry weighs: one each, or bytes.
    """

    def __init__(self, limit: int, weigh: Callable[[V], int] = lambda _: 1) -> None:
        super().__init__()
        self.limit = limit
        self.weight = 0
        self._weigh = weigh

    def keep(self, key: K, value: V) -> None:
        """Remember `value`."""
        self.forget(key)
        self.weight += self._weigh(value)
        self[key] = value
        while self.weight > self.limit:
            for old in list(islice(self, len(self) // 8 + 1)):
                self.forget(old)

    def look_over(self, is_of_use: Callable[[V], bool]) -> None:
        """Let go of the oldest few where they are of no use; the others count as new.

        Done before every entry that is kept, it comes round in `ROUND` of them.
        """
        for key in list(islice(self, len(self) // ROUND + AT_LEAST)):
            value = self.pop(key)
            if is_of_use(value):
                self[key] = value
            else:
                self.weight -= self._weigh(value)

    def forget(self, key: K) -> None:
        """Let go of what is kept for `key`, if anything."""
        value = self.pop(key, None)
        if value is not None:
            self.weight -= self._weigh(value)

    def clear(self) -> None:
        """Forget everything."""
        super().clear()
        self.weight = 0


class Address:
    """Where requests go: an inbound request of nobody in particular."""

    __slots__ = ("inbound", "path_key", "size")

    def __init__(self, inbound: Inbound, told: int) -> None:
        self.inbound = inbound
        self.path_key = inbound.site + inbound.path
        self.size = OVERHEAD + 4 * len(inbound.head.target) + told
        """Bytes that it takes, with its key, which has `told` bytes of fields in it."""

    def called_by(self, caller: Caller) -> Inbound:
        """The request of `caller` at this address, but for the fields that nothing depends on."""
        us, head = self.inbound, self.inbound.head
        theirs = RequestHead(head.method, head.scheme, head.host, head.target, caller.fields)
        return Inbound(theirs, us.client, us.path, us.query, us.has_body)


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
    if inbound.head.host in edge.esi_origins:
        return None
    return Address(inbound, sum(len(value) + 256 for _, value in fields))


class Caller:
    """Who sends requests: the fields of theirs that anything may depend on."""

    __slots__ = ("endings", "fields", "is_plain", "secret", "size", "visitor")

    def __init__(self, fields: list[Field], site: Site | None) -> None:
        # the key has the fields, the visitor every cookie as text
        self.size = OVERHEAD + sum(3 * len(value) + 256 for _, value in fields)
        self.fields = fields = visitors_fields(fields)
        self.visitor = None if site is None else Visitor(fields, site.manifest.session_cookie)
        self.secret: str | None = None
        self.endings: dict[int, tuple[PageRecord, bytes]] = {}
        """How the keys of their pages end, by the record that says what these differ by."""
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
