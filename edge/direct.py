"""Stored responses for everybody, found by the very bytes of the request line.

What a million of them would take to be remembered here, each with what it rests on, is nothing: the
store is asked every time, and a request that does not say exactly what a key says is not for here.
"""

from __future__ import annotations

from typing import Final

from edge.callers import Memo
from edge.core.key import MAX_HOST, BadTarget, canonical_host
from edge.core.long_names import short_bytes
from edge.core.page_key import filtered_query, target_of
from edge.core.site import Site
from edge.core.steps import PLAIN
from edge.core.stored import StoredResponse
from edge.edge import Edge

MAX_HOSTS: Final = 256
MAX_UNROUTED: Final = 16_384
"""Paths known to be no page's; to ask the routes again takes a match for each."""


class Direct:
    """The simple ones among the stored responses of one edge, for callers who are nobody special.

    It says what the steps of `edge.core.exchange` say of them.
    """

    def __init__(self, edge: Edge, site: Site | None) -> None:
        self._edge = edge
        self._site = site
        self._bases: Memo[tuple[bytes, bytes], bytes] = Memo(MAX_HOSTS)
        self._unrouted: Memo[bytes, bool] = Memo(MAX_UNROUTED)

    def find(self, scheme: bytes, host: bytes, target: bytes, now: float) -> StoredResponse | None:
        """The one that answers a GET or HEAD, if it may be used as it is."""
        base = self._bases.get((scheme, host))
        if base is None:
            base = self._base(scheme, host)
            if len(host) <= MAX_HOST:
                self._bases.keep((scheme, host), base)
        if not base or not target.startswith(b"/"):
            return None
        # no host has a slash in it: where the bytes are those of a key, so is each part of them
        key = base + target
        stored = self._edge.memory.responses.sole(key)
        if stored is None or not stored.is_simple or now >= stored.facts.fresh_until:
            return None
        return stored if self._site is None or self._is_plain(self._site, base, key, now) else None

    def _base(self, scheme: bytes, host: bytes) -> bytes:
        """How keys of the site begin; empty where it is not answered for, or goes by another name.

        A new one is remembered for good: what hosts there are is settled when the edge starts.
        """
        edge = self._edge
        try:
            known = canonical_host(host, scheme)
        except BadTarget:
            return b""
        if known != host or not edge.gatekeeper.hosts.allow(host) or host in edge.esi_origins:
            return b""
        return scheme + b"://" + host

    def _is_plain(self, site: Site, base: bytes, key: bytes, now: float) -> bool:
        """Whether the URL is no page of two passes, by all that is known."""
        memory = self._edge.memory
        path_key, mark, query = key.partition(b"?")
        if mark:
            path = path_key[len(base) :]
            if base + target_of(path, filtered_query(query, site.ignorable, None)) != key:
                return False
        if memory.marks.get(key, now) not in (None, PLAIN):
            return False
        if memory.records.get(path_key) is not None:
            return False
        if short_bytes(path_key) not in self._unrouted:
            if site.route(path_key[len(base) :]) is not None:
                return False
            self._unrouted.keep(short_bytes(path_key), True)
        return True
