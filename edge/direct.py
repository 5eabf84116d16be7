"""What is the same for everybody, found in the store by the very bytes of the request line.

What a million of them would take to be remembered here, each with what it rests on, is nothing: the
store is asked every time, and a request that does not say exactly what a key says is not for here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from edge.callers import Caller, Memo
from edge.core.key import MAX_HOST, BadTarget, canonical_host, primary_key
from edge.core.long_names import short_bytes
from edge.core.messages import Field
from edge.core.page_key import filtered_query
from edge.core.prepared import PreparedShell
from edge.core.site import PageRecord, Site
from edge.core.steps import PLAIN
from edge.core.stored import StoredResponse
from edge.edge import Edge

MAX_HOSTS: Final = 256
MAX_ENDINGS: Final = 16
"""Kinds of pages for which a caller's values are kept ready."""
MAX_UNROUTED: Final = 16_384
"""Paths known to be no page's; to ask the routes again takes a match for each."""


class Direct:
    """Whole pages, and the simple ones among the stored responses, for callers who are nobody

    special. It says what the steps of `edge.core.exchange` say of them. `sees` says whether callers
    are told apart by all that these dimensions read.
    """

    def __init__(self, edge: Edge, site: Site | None, sees: Callable[[PageRecord], bool]) -> None:
        self._edge = edge
        self._site = site
        self._sees = sees
        self._bases: Memo[tuple[bytes | Field, ...], bytes] = Memo(MAX_HOSTS)
        self._unrouted: Memo[bytes, bool] = Memo(MAX_UNROUTED)

    def base(self, scheme: bytes, host: bytes, peer: str, told: Sequence[Field]) -> bytes:
        """How keys of the site begin; empty where it is not answered for, or goes by another name.

        `told`: what a proxy that is trusted says of scheme and host.
        """
        name: tuple[bytes | Field, ...] = (scheme, host, *told)
        base = self._bases.get(name)
        if base is None:
            size = len(host) + sum(len(value) for _, value in told)
            if told:
                sender = self._edge.gatekeeper.proxies.sender(peer, scheme, host, told)
                scheme, host = sender.scheme, sender.host or b""
            base = self._base(scheme, host)
            # what hosts there are is settled when the edge starts; what visitors write never is
            if size <= MAX_HOST:
                self._bases.keep(name, base)
        return base

    def response(self, base: bytes, target: bytes, now: float) -> StoredResponse | None:
        """The stored response that answers a GET or HEAD, if it may be used as it is."""
        # no host has a slash in it: where the bytes are those of a key, so is each part of them
        key = base + target
        stored = self._edge.memory.responses.sole(key)
        if stored is None or not stored.is_simple or now >= stored.facts.fresh_until:
            return None
        return stored if self._site is None or self._is_plain(self._site, base, key, now) else None

    def page(
        self, base: bytes, target: bytes, caller: Caller, now: float
    ) -> tuple[bytes, PreparedShell] | None:
        """The whole page that answers a GET or HEAD of `caller`, with its key, if it is fresh."""
        site, memory = self._site, self._edge.memory
        if site is None:
            return None
        key = base + target
        path_key, mark, query = key.partition(b"?")
        record = memory.records.get(path_key)
        if record is None and target.isascii():
            record = site.route(path_key[len(base) :])
        if record is None:
            return None
        if mark and filtered_query(query, site.ignorable, record.query) != query:
            return None
        if memory.marks.get(key, now) is not None:
            return None
        if record.dimensions:
            ending = self._ending(caller, record)
            if ending is None:
                return None
            key += ending
            if memory.marks.get(key, now) is not None:
                return None
        shell = memory.shells.get(key)
        if shell is None or not (shell.lead and shell.is_whole) or now >= shell.expiry.fresh_until:
            return None
        return key, shell

    def _ending(self, caller: Caller, record: PageRecord) -> bytes | None:
        """What a key says of the caller's dimension values; None where one is not known yet."""
        known = caller.endings.get(id(record))
        if known is not None and known[0] is record:
            return known[1]
        keyring = self._edge.keyring
        if caller.visitor is None or keyring is None or not self._sees(record):
            return None
        values, undrawn = caller.visitor.values(keyring, record.dimensions)
        if undrawn:
            return None
        pairs = [(name.encode(), value.encode()) for name, value in values.items()]
        ending = primary_key(b"", b"", b"", pairs).removeprefix(b"://")
        if len(caller.endings) >= MAX_ENDINGS:
            caller.endings.clear()
        caller.endings[id(record)] = record, ending
        return ending

    def _base(self, scheme: bytes, host: bytes) -> bytes:
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
        if mark and filtered_query(query, site.ignorable, None) != query:
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
