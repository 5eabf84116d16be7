"""Answers with a page: a shell whose holes are filled from memory and by the second pass."""

from __future__ import annotations

from collections.abc import Iterable

from edge import epoch
from edge.bundle import BundleHead
from edge.core import cookies
from edge.core.body import Portion, Stream
from edge.core.cache_status import CacheStatus
from edge.core.fragment_key import Visit
from edge.core.hit import Own, PageHit
from edge.core.messages import Field
from edge.core.negotiation import taken
from edge.core.page_headers import (
    GZIP,
    UNBUFFERED,
    not_modified_fields,
    page_fields,
    status_fields,
    timing,
    verdict_fields,
)
from edge.core.plan import Plan, make_plan
from edge.core.prepared import PreparedShell
from edge.core.steps import Page, Splice
from edge.core.whole import coding_of
from edge.csrf import csrf_for
from edge.pages import Pages
from edge.respond import Client, ClientGone, Responder
from edge.seat import Seat
from edge.second_pass import SecondPass
from fragments import splice as document
from fragments.dimensions import Dimension
from fragments.manifest import CookieSpec
from fragments.signing import to_text

BUCKET_MAX_AGE = 90 * 86400
"""Seconds a drawn bucket is remembered: longer than the tests that shops run."""

NONCE_BYTES = 16


class PageAnswer:
    """One page for one visitor."""

    def __init__(self, pages: Pages, page: Page, step: Splice) -> None:
        self._edge = edge = pages.edge
        self._site = pages.site
        self._pages = pages
        self._page_key = page.key
        self._shell: PreparedShell = step.shell
        self._status: CacheStatus = step.status
        self._inbound = pages.inbound
        self._visitor = pages.visitor
        self._now = edge.clock()
        self._offer = taken(pages.inbound.head.headers, edge.encodings)
        self._gzips = step.shell.blocks is not None and b"gzip" in self._offer
        self._set_cookies: list[Field] = []
        dimensions = pages.dimensions(page, step.shell)
        begun = None if pages.visitor.has_own_key else epoch.fresh(edge.rng)
        visit = pages.visit(page, dimensions, begun)
        self._plan: Plan = make_plan(
            step.shell, visit, edge.memory.held, edge.memory.reads.get, self._now
        )
        self._seat = self._take_seat(visit, dimensions, begun)

    async def send(self, client: Client, responder: Responder) -> None:
        """Send it. Raises ClientGone."""
        if self._shell.gate or (self._plan.asked and self._inbound.head.method != b"HEAD"):
            await self._send_with_second_pass(client, responder)
        elif self._plan.asked:
            await responder.start(self._shell.status, self._fields(streamed=False))
            await responder.finish()
        else:
            await self._send_from_memory(responder)
        if self._plan.refresh:
            SecondPass(self._edge, self._seat, self._plan, gate=False).refresh()

    # -- who sits where

    def _take_seat(
        self, visit: Visit, dimensions: tuple[Dimension, ...], begun: str | None
    ) -> Seat:
        edge, spec = self._edge, self._site.manifest.csrf_cookie
        assert edge.keyring is not None
        mints = self._plan.may_need_csrf(self._shell, edge.memory.reads.get, visit)
        csrf = csrf_for(spec, visit.visitor.cookies, edge.rng, mints=mints) if spec else None
        nonce = to_text(edge.rng(NONCE_BYTES)).encode()
        seat = Seat(self._inbound, visit, dimensions, csrf, nonce)
        if csrf is not None and csrf.field is not None:
            self._set_cookies.append(csrf.field)
        if visit.visitor.has_own_key:
            seat.account = visit.visitor.account(edge.keyring)
        elif begun is not None and any(ask.is_private for ask in self._plan.asked):
            seat.account = visit.identity
            self._begin_epoch(begun)
        scheme = self._inbound.head.scheme
        for name, value in self._pages.drawn.items():
            field = next(d.field for d in dimensions if d.name == name)
            spec = CookieSpec(field, max_age=BUCKET_MAX_AGE)
            self._set_cookies.append(cookies.set_cookie(spec, value, secure=scheme == b"https"))
        return seat

    def _begin_epoch(self, value: str) -> None:
        self._edge.tally.epochs.add()
        kept = [f for f in self._set_cookies if cookies.EPOCH not in cookies.names_set([f])]
        self._set_cookies = [*kept, epoch.field(value, self._inbound.head.scheme)]

    # -- what is sent

    def _fields(self, *, streamed: bool) -> list[Field]:
        plan, age = self._plan, self._shell.expiry.age(self._now)
        token = self._seat.token if self._shell.filled_fields else b""
        fields = page_fields(self._shell, plan, token, self._seat.nonce, self._set_cookies)
        fields += status_fields(self._status, age, timing(plan, is_hit=self._status.is_hit))
        if streamed:
            fields.append(UNBUFFERED)
        if self._gzips:
            fields.append(GZIP)
        return fields

    def _spliced(self) -> document.Splice:
        """The page with all filled in that is at hand."""
        token = self._seat.token if self._shell.has_csrf else b""
        spliced = document.Splice(self._shell.body, token, self._seat.nonce)
        for hole in self._plan.empty:
            spliced.fill(hole, b"")
        for hole, fragment in self._plan.held.items():
            spliced.fill(hole, self._seat.bytes_of(fragment))
        self._count_fragments()
        return spliced

    def _count_fragments(self) -> None:
        self._edge.tally.fragments.add("empty", by=len(self._plan.empty))
        self._edge.tally.fragments.add("held", by=len(self._plan.held))

    async def _send_from_memory(self, responder: Responder) -> None:
        edge, seat, csrf = self._edge, self._seat, self._seat.csrf
        assert edge.keyring is not None
        secret = csrf.secret if csrf else None
        coding = coding_of(self._shell, self._offer)
        edge.encoder.see(self._page_key, self._shell, self._offer)
        hit = PageHit(self._shell, self._plan, edge.keyring, secret, coding=coding)
        token = seat.token if hit.has_csrf else b""
        own = Own(token, seat.nonce, secret, tuple(self._set_cookies))
        fields = hit.fields(own, self._status, self._now)
        if hit.is_not_modified(self._inbound.head.headers, own):
            edge.tally.not_modified.add()
            await responder.whole(304, not_modified_fields(fields), b"")
            return
        self._count_fragments()
        await responder.whole(self._shell.status, fields, hit.body(own))

    async def _send_with_second_pass(self, client: Client, responder: Responder) -> None:
        # HEAD is here for the gate's sake alone
        plan = Plan() if self._inbound.head.method == b"HEAD" else self._plan
        second = SecondPass(self._edge, self._seat, plan, gate=self._shell.gate)
        try:
            await client.unless_gone(self._stream(second, responder), responder)
        except ClientGone:
            second.abandon()
            raise
        finally:
            second.end()

    async def _stream(self, second: SecondPass, responder: Responder) -> None:
        if self._shell.gate or self._plan.writes:
            second.begin()
            head = await second.head()
            if await self._is_overruled(head, responder):
                return
        is_head = self._inbound.head.method == b"HEAD"
        await responder.start(self._shell.status, self._fields(streamed=not is_head))
        if is_head:
            await responder.finish()
            return
        spliced, stream = self._spliced(), Stream(gzip=self._gzips)
        await responder.write(stream.encode(self._made(spliced.take_pieces())))
        second.begin()  # where nothing comes before the head, it has left by now
        ready: list[Portion] = []
        while (hole := spliced.awaited) is not None:
            if ready and not second.has(hole):
                await responder.write(stream.encode(ready))
                ready = []
            spliced.fill(hole, await second.fragment(hole))
            ready += self._made(spliced.take_pieces())
        await responder.finish(stream.encode(ready) + stream.end())

    def _made(self, pieces: Iterable[tuple[int, bytes]]) -> list[Portion]:
        """Parts of the shell's body, each with its number, as parts with their blocks."""
        blocks = self._shell.blocks or (None,) * len(self._shell.body)
        return [(data, blocks[number]) for number, data in pieces]

    async def _is_overruled(self, head: BundleHead | None, responder: Responder) -> bool:
        """Take the bundle's cookies; answer with the gate's verdict if there is one.

        A gate that does not answer stays shut: its pages are never served on trust.
        """
        if head is None:
            if self._shell.gate:
                fields = [*status_fields(self._status, None, None), (b"retry-after", b"1")]
                await responder.text(503, "This page is not available right now.", fields)
            return self._shell.gate
        self._take_cookies(head)
        verdict = head.head.verdict
        if verdict is None:
            return False
        fields = verdict_fields(verdict.headers) + self._set_cookies
        fields += status_fields(self._status, None, None)
        await responder.whole(verdict.status, fields, verdict.body)
        return True

    def _take_cookies(self, head: BundleHead) -> None:
        """A bundle's cookies go to its visitor. One that sets the session begins an epoch.

        The CSRF cookie stays the one that this page's tokens are masked from.
        """
        fields = [(b"set-cookie", value) for value in head.set_cookies]
        csrf = self._seat.csrf
        kept = [f for f in fields if csrf is None or csrf.spec.name not in cookies.names_set([f])]
        self._set_cookies += kept
        if epoch.is_over(False, kept, self._site.manifest.session_cookie):
            self._begin_epoch(epoch.fresh(self._edge.rng))
