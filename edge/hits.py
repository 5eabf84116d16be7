"""Hits found without asking anybody: what the fast path answers, and what it leaves to the app.

A request is answered here only when the steps of `edge.core.exchange`, taken with the same plan,
keys and headers as in `edge.handler`, would end in an answer from memory. What they were taken
from is kept with the answer; the answer is used again while all of it still holds.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from typing import Final

from edge.callers import OVERHEAD, Address, Caller, Memo, address_of
from edge.core.exchange import after_lookup, after_plain_lookup, begin
from edge.core.hit import Own, PageHit, StoredHit, simple_answer
from edge.core.key import uri_of
from edge.core.messages import Field, Headers, RequestHead, is_wire_safe
from edge.core.negotiation import NOTHING, Offer, taken
from edge.core.plan import Plan, make_plan
from edge.core.prepared import PreparedShell, safe_value
from edge.core.site import Site
from edge.core.steps import Found, Lookup, Page, PlainLookup, Serve, Splice
from edge.core.stored import BODILESS
from edge.core.vary import NO_VARY
from edge.core.visits import Visited
from edge.core.whole import coding_of, whole_answer
from edge.csrf import Csrf
from edge.direct import Direct
from edge.edge import Edge
from edge.known import Known, PageRest, StoredRest
from edge.pages import Pages
from edge.plain import Plain
from fragments.csrf import SECRET_LENGTH, secret_from_bytes
from fragments.dimensions import Dimension
from fragments.signing import to_text

NONCE_BYTES: Final = 16
MAX_NAMES: Final = 256
"""Fields that anything may depend on; an origin that reads more of them is not answered for."""
MAX_CODINGS: Final = 256
"""Bytes of an Accept-Encoding that is remembered; browsers send 25."""
OFTEN: Final = 256
"""Visits between two foldings of their counts of which one sees a whole page remembered."""
PATIENCE: Final = 1.0
"""Seconds for which a request that is not for here is not looked at again."""

# What a field of the request means here. One that is not in the table changes no answer.
_HOST, _APP, _KEPT, _CONNECTION, _CONDITION, _RANGE, _TOLD, _CODING = (1 << n for n in range(8))
_KINDS: Final = {
    b"host": _HOST,
    b"cookie": _KEPT,
    b"connection": _CONNECTION,
    b"if-none-match": _CONDITION,
    b"if-modified-since": _CONDITION,
    b"range": _RANGE,
    b"accept-encoding": _CODING,
    b"forwarded": _TOLD,
    b"x-forwarded-proto": _TOLD,
    b"x-forwarded-host": _TOLD,
    **dict.fromkeys(
        (
            b"authorization",
            b"content-length",
            b"transfer-encoding",
            b"expect",
            b"upgrade",
            b"sec-purpose",
        ),
        _APP,
    ),
}
# Names that requests to the origin carry whatever the visitor sends.
_FORWARDED: Final = (b"x-forwarded-", b"via", b"surrogate-", b"twopass-", b"host")

_NOTHING_OWN: Final = Own()
_NOBODY: Final = Visited(b"")
"""The count of what has no answer here, or is no page: never added to."""


class Hits:
    """The hits of one edge. What is kept here can be worked out again; it takes half as many bytes

    as `private_bytes` at most, beside the store.
    """

    def __init__(self, edge: Edge) -> None:
        self._edge = edge
        self._memory = edge.memory
        self._site: Site | None = None
        self._kinds: dict[bytes, int] = {}
        self._trusted: Memo[str, bool] = Memo(MAX_NAMES)
        self._codings: Memo[bytes, Offer] = Memo(MAX_NAMES)
        share = edge.settings.private_bytes // 16
        self._addresses: Memo[Hashable, Address] = Memo(share, lambda known: known.size)
        self._callers: Memo[Hashable, Caller] = Memo(2 * share, lambda known: known.size)
        self._shared: Memo[tuple[Address, Offer], Known] = Memo(2 * share, lambda known: known.size)
        self._known: Memo[tuple[Address, Offer, Caller], Known] = Memo(
            3 * share, lambda known: known.size
        )
        self._begin_anew(edge.manifest.site)

    def answer(
        self, method: bytes, scheme: bytes, peer: str, target: bytes, fields: Headers
    ) -> Sequence[bytes] | None:
        """The whole response as pieces to be sent, or None: the request is for the app.

        `target` as it stood on the request line; `fields` with lower-case names.
        """
        edge = self._edge
        if edge.manifest.site is not self._site:
            self._begin_anew(edge.manifest.site)
        kinds, host = self._kinds, None
        kept: list[Field] = []
        told: list[Field] = []
        conditions: list[Field] = []
        has_range, offer = False, None
        for field in fields:
            kind = kinds.get(field[0])
            if kind is None:
                continue
            if kind & _KEPT:
                kept.append(field)
            if kind & _HOST:
                if host is not None:
                    return None
                host = field
            elif kind & _APP or (kind & _CONNECTION and field[1].lower() != b"keep-alive"):
                return None
            elif kind & _CONDITION:
                conditions.append(field)
            elif kind & _RANGE:
                has_range = True
            elif kind & _TOLD:
                told.append(field)
            elif kind & _CODING:
                if offer is not None:
                    return None
                offer = self._taken(field)
        if host is None:
            return None
        now = edge.clock()
        caller = self._caller(kept)
        offer = offer or NOTHING
        if told and not self._trusts(peer):
            told = []
        where = (scheme, host[1], target, *told)
        address = self._addresses.get(where)
        known = None if address is None else self._remembered(address, caller, offer, now)
        if known is None:
            base = b""
            if caller.is_plain and target.startswith(b"/"):
                base = self._direct.base(scheme, host[1], peer, told)
            if base:
                stored = self._direct.response(base, target, now)
                if stored is not None:
                    if has_range and method == b"GET":
                        return None
                    request = RequestHead(method, scheme, host[1], target, conditions)
                    return self._counted(simple_answer(stored, request, now))
                page = self._direct.page(base, target, caller, now)
                if page is not None and not self._is_worth_remembering(page[0]):
                    return self._whole(*page, method, conditions, offer, now)
            if address is None:
                address = address_of(self._edge, scheme, peer, target, [host, *told])
                if address is None:
                    return None
                self._addresses.keep(where, address)
            known = self._learn(address, caller, offer, now)
        hit = known.hit
        if hit is None:
            return None
        if isinstance(hit, PageHit):
            known.visited.fresh += 1
            return self._page(hit, method, self._own(hit, caller), conditions, now)
        if has_range and method == b"GET":
            return None
        assert address is not None  # what is known is known of one
        return self._stored(hit, address, method, conditions, now)

    # -- who asks for what

    def _trusts(self, peer: str) -> bool:
        trusted = self._trusted.get(peer)
        if trusted is None:
            trusted = self._edge.gatekeeper.proxies.trusts(peer)
            self._trusted.keep(peer, trusted)
        return trusted

    def _taken(self, field: Field) -> Offer:
        offer = self._codings.get(field[1])
        if offer is None:
            offer = taken([field], self._edge.encodings)
            if len(field[1]) <= MAX_CODINGS:
                self._codings.keep(field[1], offer)
        return offer

    def _caller(self, kept: list[Field]) -> Caller:
        key: Hashable = kept[0] if len(kept) == 1 else tuple(kept)
        caller = self._callers.get(key)
        if caller is None:
            caller = Caller(kept, self._site)
            self._callers.keep(key, caller)
        return caller

    # -- what is known of it

    def _is_worth_remembering(self, key: bytes) -> bool:
        """Whether the page has been asked for so often; if not, this visit is counted."""
        visited = self._memory.visits.of(uri_of(key))
        if (visited.fresh + 1) % OFTEN == 0:
            return True
        visited.fresh += 1
        return False

    def _remembered(
        self, address: Address, caller: Caller, offer: Offer, now: float
    ) -> Known | None:
        known = self._shared.get((address, offer)) if caller.is_plain else None
        if known is None:
            known = self._known.get((address, offer, caller))
        return known if known is not None and self._holds(known, now) else None

    def _holds(self, known: Known, now: float) -> bool:
        count = self._memory.changes.count
        if known.count != count:
            if known.rest is None or not known.rest.holds(now):
                return False
            known.count = count
            known.visited = self._memory.visits.again(known.visited)
        return now < known.until

    def _learn(self, address: Address, caller: Caller, offer: Offer, now: float) -> Known:
        self._shared.forget((address, offer))
        known, is_for_all = self._work_out(address, caller, offer, now)
        count = self._memory.changes.count
        if known is None:
            known = Known(None, None, now + PATIENCE, _NOBODY)
            known.count = count
        # An answer has no count yet: its next use looks everything up, which tells the store that
        # it is used more than once. What is used only here must not look unused there.
        # what was sent lives as long as this does, whether it is remembered by itself or not
        known.size += address.size + caller.size - 2 * OVERHEAD
        if is_for_all and caller.is_plain:
            self._shared.look_over(lambda other: other.is_of_use(now, count))
            self._shared.keep((address, offer), known)
        else:
            self._known.look_over(lambda other: other.is_of_use(now, count))
            self._known.keep((address, offer, caller), known)
        return known

    def _work_out(
        self, address: Address, caller: Caller, offer: Offer, now: float
    ) -> tuple[Known | None, bool]:
        """What leads to an answer from memory, if anything, and whether it is one for all."""
        edge, site, memory = self._edge, self._site, self._memory
        inbound = address.called_by(caller)
        pages = record = marked = None
        if site is not None and caller.visitor is not None:
            pages = Pages(edge, inbound, caller.visitor, site)
            marked = memory.marks.get(pages.unknown_key, now)
            record = None if marked else pages.record()
        step = begin(inbound, caller.visitor, site, record, marked)
        if isinstance(step, Lookup) and pages is not None and record is not None:
            return self._work_out_page(pages, pages.page(record), caller, offer, now)
        if isinstance(step, PlainLookup):
            return self._work_out_stored(address, pages, Plain(edge, inbound), step, now)
        return None, False

    def _work_out_page(
        self, pages: Pages, page: Page, caller: Caller, offer: Offer, now: float
    ) -> tuple[Known | None, bool]:
        edge, memory = self._edge, self._memory
        found = Found(memory.shells.get(page.key), memory.marks.get(page.key, now))
        step = after_lookup(found, now)
        if not isinstance(step, Splice) or not step.shell.expiry.is_fresh(now):
            return None, False
        shell = step.shell
        if shell.gate or shell.status in BODILESS:
            return None, False
        if not shell.lead and not (is_wire_safe(shell.fields) and is_wire_safe(_literals(shell))):
            return None, False
        dimensions = pages.dimensions(page, shell)
        # an epoch that nobody has: who has nothing of their own holds nothing private
        visit = pages.visit(page, dimensions, None if pages.visitor.has_own_key else "-")
        plan = make_plan(shell, visit, memory.held, memory.reads.get, now)
        if plan.asked or plan.refresh or pages.drawn:
            return None, False
        reads = [found.reads.headers for found in plan.found if found.reads is not None]
        if not self._sees(_names(dimensions), *reads):
            return None, False
        assert edge.keyring is not None
        mints = (
            caller.secret is None
            and pages.site.manifest.csrf_cookie is not None
            and plan.may_need_csrf(shell, memory.reads.get, visit)
        )
        edge.encoder.see(page.key, shell, offer, again=True)
        coding = coding_of(shell, offer)
        hit = PageHit(shell, plan, edge.keyring, caller.secret, mints=mints, coding=coding)
        ends = [shell.expiry.fresh_until, *(f.expiry.fresh_until for f in plan.held.values())]
        rest = PageRest(memory, pages, page, shell, plan)
        is_for_all = shell.is_whole and not dimensions
        visited = memory.visits.of(uri_of(page.key))
        return Known(hit, rest, min(ends), visited), is_for_all

    def _work_out_stored(
        self, address: Address, pages: Pages | None, plain: Plain, step: PlainLookup, now: float
    ) -> tuple[Known | None, bool]:
        memory = self._memory
        served = after_plain_lookup(step, plain.lookup(), now)
        if not isinstance(served, Serve) or not now < served.stored.facts.fresh_until:
            return None, False
        stored = served.stored
        if stored.document is not None or stored.facts.status in BODILESS:
            return None, False
        rest = StoredRest(memory, pages, address.path_key, plain, stored)
        if not self._sees(*(r.fields for r in rest.rules)) or not is_wire_safe(stored.headers):
            return None, False
        known = Known(StoredHit(stored), rest, stored.facts.fresh_until, _NOBODY)
        return known, rest.rules == {NO_VARY}

    def _sees(self, *names: Iterable[str | bytes]) -> bool:
        """Whether callers are told apart by all of these fields; from now on they are."""
        wanted = {n.encode("latin-1", "replace") if isinstance(n, str) else n
                  for some in names for n in some}  # fmt: skip
        if any(name.startswith(_FORWARDED) for name in wanted):
            return False
        new = {name for name in wanted if not self._kinds.get(name, 0) & _KEPT}
        if not new:
            return True
        if len(self._kinds) + len(new) <= MAX_NAMES:
            for name in new:
                self._kinds[name] = self._kinds.get(name, 0) | _KEPT
            self._forget()
        return False

    def _begin_anew(self, site: Site | None) -> None:
        self._site = site
        self._direct = Direct(self._edge, site, lambda r: self._sees(_names(r.dimensions)))
        self._kinds = dict(_KINDS)
        if self._edge.policy.obeys_requests:
            self._kinds |= {b"cache-control": _APP, b"pragma": _APP}
        if site is not None:
            for name in {*site.varying_headers, *_names(site.dimensions.values())}:
                self._kinds[name] = self._kinds.get(name, 0) | _KEPT
        self._forget()
        self._addresses.clear()

    def _forget(self) -> None:
        for memo in (self._callers, self._shared, self._known):
            memo.clear()

    # -- what is said

    def _page(
        self, hit: PageHit, method: bytes, own: Own, conditions: Headers, now: float
    ) -> Sequence[bytes]:
        tally = self._edge.tally
        tally.requests.add("hit")
        if conditions and hit.is_not_modified(conditions, own):
            tally.responses.add("3xx")
            tally.not_modified.add()
            return hit.not_modified(own, now)
        tally.responses.add(hit.status_class)
        if hit.empty:
            tally.fragments.add("empty", by=hit.empty)
        if hit.held:
            tally.fragments.add("held", by=hit.held)
        return hit.whole(own, now, has_body=method == b"GET")

    def _whole(
        self, key: bytes, shell: PreparedShell, method: bytes, conditions: list[Field],
        offer: Offer, now: float,
    ) -> Sequence[bytes]:  # fmt: skip
        edge = self._edge
        if offer:
            edge.encoder.see(key, shell, offer, again=True)
        if conditions or method != b"GET":
            assert edge.keyring is not None
            hit = PageHit(shell, Plan(), edge.keyring, None, coding=coding_of(shell, offer))
            return self._page(hit, method, _NOTHING_OWN, conditions, now)
        return self._counted((shell.status, whole_answer(shell, offer, now)))

    def _own(self, hit: PageHit, caller: Caller) -> Own:
        if not (hit.has_csrf or hit.has_nonce):
            return _NOTHING_OWN
        rng = self._edge.rng
        nonce = to_text(rng(NONCE_BYTES)).encode() if hit.has_nonce else b""
        spec = None if self._site is None else self._site.manifest.csrf_cookie
        secret = caller.secret
        if not hit.has_csrf or spec is None or (secret is None and not hit.mints):
            return Own(b"", nonce, secret)
        if secret is None:
            secret = secret_from_bytes(rng(SECRET_LENGTH))
        csrf = Csrf(spec, secret, rng, minted=hit.mints)
        field = csrf.field
        return Own(csrf.token, nonce, secret, () if field is None else (field,))

    def _stored(
        self, hit: StoredHit, address: Address, method: bytes, conditions: list[Field], now: float
    ) -> Sequence[bytes]:
        head = address.inbound.head
        request = RequestHead(method, head.scheme, head.host, head.target, conditions)
        return self._counted(hit.answer(request, now))

    def _counted(self, answer: tuple[int, list[bytes]]) -> list[bytes]:
        status, pieces = answer
        tally = self._edge.tally
        tally.requests.add("hit")
        tally.responses.add(f"{status // 100}xx")
        return pieces


def _names(dimensions: Iterable[Dimension]) -> set[bytes]:
    """The request's fields that these dimensions read."""
    found = set()
    for dimension in dimensions:
        if dimension.source == "header":
            found.add(dimension.field.lower().encode("latin-1", "replace"))
        elif dimension.source == "language":
            found.add(b"accept-language")
    return found


def _literals(shell: PreparedShell) -> list[Field]:
    """What stands around the holes of header fields."""
    return [
        (name, safe_value(b"".join(part for part in parts if isinstance(part, bytes))))
        for name, parts in shell.filled_fields
    ]
