"""Performs the steps that `edge.core.exchange` decides on, one exchange at a time."""

from __future__ import annotations

import logging
from dataclasses import replace
from functools import cached_property
from typing import assert_never

from starlette.types import Receive, Scope, Send

from edge.core.cache_status import CacheStatus
from edge.core.exchange import (
    after_fetch,
    after_fill,
    after_lookup,
    after_plain_lookup,
    after_probe,
    after_validation,
    begin,
)
from edge.core.inbound import Inbound, Refused
from edge.core.key import uri_of
from edge.core.outbound import visitors_own
from edge.core.page_headers import CACHE
from edge.core.site import PageRecord
from edge.core.steps import (
    Ask,
    Declined,
    Fail,
    Failed,
    Fetch,
    Found,
    Lookup,
    Page,
    Pass,
    PlainLookup,
    Probe,
    Probed,
    Refuse,
    Relay,
    Serve,
    Shelled,
    Splice,
    Step,
    Undecided,
    Validate,
)
from edge.core.stored import reply
from edge.core.visitor import Visitor
from edge.core.visits import is_visit
from edge.edge import Edge
from edge.esi.answer import serve_document
from edge.fetch import OriginError, OriginResponse
from edge.page import PageAnswer
from edge.pages import Pages, fetch_shell, take_shell
from edge.plain import Plain
from edge.protocol import EMPTY_QUERY
from edge.proxy import Proxy
from edge.respond import Client, ClientGone, Responder
from edge.websocket import proxy_websocket

logger = logging.getLogger("twopass.edge")

MAX_STEPS = 12
"""Steps of one exchange; the longest sensible one (wait, probe, look up, fetch, splice) has six."""


class Handler:
    """The edge as an ASGI application for HTTP and websockets."""

    def __init__(self, edge: Edge) -> None:
        self._edge = edge

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        self._edge.entered()
        try:
            if scope["type"] == "websocket":
                await self._carry(scope, receive, send)
            else:
                await self._answer(scope, receive, send)
        finally:
            self._edge.left()

    async def _carry(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            inbound = admit(self._edge, scope)
        except Refused:
            await receive()
            await send({"type": "websocket.close", "code": 1008})
            return
        await proxy_websocket(self._edge, inbound, scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        edge = self._edge
        responder = Responder(send, scope["method"].encode("ascii"), edge.clock())
        try:
            inbound = admit(edge, scope)
            if not is_visit(inbound.head.headers):
                responder.url = inbound.url
            await Exchange(edge, inbound, Client(receive), responder).run()
        except Refused as refused:
            responder.outcome = "refused"
            await responder.text(refused.status, str(refused))
        except ClientGone:
            edge.tally.clients_gone.add()
            responder.outcome = "client-gone"
        edge.tally.requests.add(responder.outcome)
        edge.tally.responses.add(f"{responder.status // 100}xx" if responder.status else "none")


def admit(edge: Edge, scope: Scope) -> Inbound:
    """Take in the request of an ASGI scope. Raises Refused."""
    client = scope.get("client")
    target = scope.get("raw_path") or scope["path"].encode()
    query = scope.get("query_string", b"")
    if query or EMPTY_QUERY in scope.get("extensions", {}):
        target += b"?" + query
    inbound = edge.gatekeeper.admit(
        scope.get("method", "GET").encode("ascii"),
        _HTTP_SCHEMES[scope["scheme"]],
        client[0] if client else "",
        target,
        scope["headers"],
    )
    if inbound.head.host in edge.esi_origins:
        raise Refused(421, "This server does not answer for that host.")
    return inbound


_HTTP_SCHEMES = {"http": b"http", "https": b"https", "ws": b"http", "wss": b"https"}


class Exchange:
    """One request on its way through the steps."""

    def __init__(self, edge: Edge, inbound: Inbound, client: Client, responder: Responder) -> None:
        self._edge = edge
        self._inbound = inbound
        self._client = client
        self._responder = responder
        self._proxy = Proxy(edge, inbound)
        self._site = site = edge.manifest.site
        self._visitor: Visitor | None = None
        self._pages: Pages | None = None
        self._page: Page | None = None
        self._probed: OriginResponse | None = None
        self._asked = (0, 0.0)
        if site is not None:
            headers = inbound.head.headers
            self._visitor = Visitor(headers, site.manifest.session_cookie)
            self._pages = Pages(edge, inbound, self._visitor, site)

    async def run(self) -> None:
        """Go from step to step until one has answered. Raises ClientGone."""
        step: Step | None = self._begin()
        for _ in range(MAX_STEPS):
            if step is None:
                return
            step = await self._perform(step)
        logger.error("exchange without end", extra={"url": self._inbound.url.decode()})
        await self._fail(Fail(500, "loop"))

    async def _perform(self, step: Step) -> Step | None:
        """Do what `step` says; the next one, None when the visitor has their answer."""
        match step:
            case Lookup():
                return after_lookup(self._lookup(), self._edge.clock())
            case Fetch():
                fetched = await self._fetch()
                return after_fetch(step, fetched, self._own_key(), self._edge.clock())
            case Probe():
                probed = await self._probe(step)
                return after_probe(probed, self._own_key(), self._edge.clock())
            case PlainLookup():
                return after_plain_lookup(step, self._plain.lookup(), self._edge.clock())
            case Validate():
                outcome, joined = await self._plain.validate(step.stored)
                now = self._edge.clock()
                return after_validation(step, outcome, collapsed=joined, now=now)
            case Splice():
                await self._splice(step)
            case Serve():
                await self._serve(step)
            case Ask():
                return await self._ask(step)
            case Pass():
                await self._pass(step)
            case Relay():
                await self._relay(step)
            case Fail():
                await self._fail(step)
            case Refuse():
                await self._refuse(step)
            case _:
                assert_never(step)
        return None

    # -- steps that lead to another

    @cached_property
    def _plain(self) -> Plain:
        return Plain(self._edge, self._inbound)

    def _begin(self) -> Step:
        if self._inbound.is_internal:
            return Refuse(404, "Not found.")
        record = marked = None
        if self._pages is not None:
            marked = self._edge.memory.marks.get(self._pages.unknown_key, self._edge.clock())
            record = None if marked else self._record()
        return begin(self._inbound, self._visitor, self._site, record, marked)

    def _record(self) -> PageRecord | None:
        """What is known of the page by now; `_page` follows it."""
        assert self._pages is not None
        record = self._pages.record()
        self._page = None if record is None else self._pages.page(record)
        return record

    def _own_key(self) -> bytes:
        """The key of this visitor's page by what was just learned of it."""
        self._record()
        return self._page.key if self._page is not None else b""

    def _lookup(self) -> Found:
        memory, now = self._edge.memory, self._edge.clock()
        if self._page is None:
            self._record()
        assert self._page is not None
        key = self._page.key
        return Found(
            memory.shells.get(key),
            memory.marks.get(key, now),
            paused=memory.pauses.get(key, now) is not None,
        )

    async def _fetch(self) -> Shelled | Declined | Failed:
        edge, inbound, page = self._edge, self._inbound, self._page
        assert page is not None
        fetched, joined = await edge.flights.share(
            (page.key, edge.memory.generation), lambda: fetch_shell(edge, inbound, page)
        )
        if joined:
            edge.tally.collapsed.add("shell")
            if isinstance(fetched, Shelled):
                return replace(fetched, collapsed=True)
        return fetched

    async def _probe(self, step: Probe) -> Probed:
        assert self._pages is not None
        self._client.has_no_body()
        edge = self._edge
        key = (self._pages.unknown_key, edge.memory.generation)
        leading = edge.verdicts.lead(key) if step.joins else None
        if step.joins and leading is None:
            return await self._await_verdict(key)
        probed = None
        try:
            work = self._ask_what_it_is()
            probed = await self._client.unless_gone(work, self._responder)
            return probed
        finally:
            if leading is not None and not leading.done():
                leading.set_result(probed)

    async def _await_verdict(self, key: tuple[bytes, int]) -> Probed:
        try:
            verdict = await self._edge.verdicts.wait(key, self._edge.settings.verdict_wait)
        except TimeoutError:
            return Undecided("timeout")
        if verdict is None:
            return Undecided("gone")
        self._edge.tally.collapsed.add("verdict")
        match verdict:
            case Shelled():
                return replace(verdict, collapsed=True)
            case Failed():
                return verdict
            case Declined():
                return Undecided("plain")

    async def _ask_what_it_is(self) -> Shelled | Declined | Failed:
        """Send the visitor's own request. What is no shell is left open, to be relayed."""
        assert self._pages is not None
        edge, inbound = self._edge, self._inbound
        since, asked_at = edge.position, edge.clock()
        try:
            response = await edge.origin.send(visitors_own(inbound, asks_for_shell=True))
        except OriginError as error:
            return Failed(error.status, error.reason)
        taken = False
        try:
            probed = await take_shell(edge, inbound, response, since, asked_at)
            taken = isinstance(probed, Declined)
        except OriginError as error:
            return Failed(error.status, error.reason)
        finally:
            if not taken:
                await response.aclose()
        if isinstance(probed, Declined):
            self._probed, self._asked = response, (since, asked_at)
            until = edge.clock() + edge.settings.hit_for_pass
            edge.memory.marks.set(self._pages.unknown_key, probed.reason, until)
        return probed

    # -- steps that answer

    async def _splice(self, step: Splice) -> None:
        self._note(step.status)
        assert self._page is not None
        assert self._pages is not None
        self._client.has_no_body()
        self._count_visit(self._page)
        if step.refresh:
            self._refresh(self._page)
        answer = PageAnswer(self._pages, self._page, step)
        await answer.send(self._client, self._responder)

    def _refresh(self, page: Page) -> None:
        edge, inbound = self._edge, self._inbound
        edge.flights.begin(
            (page.key, edge.memory.generation), lambda: fetch_shell(edge, inbound, page)
        )

    async def _pass(self, step: Pass) -> None:
        self._responder.outcome = str(step.forward)
        self._edge.tally.passes.add(step.detail)
        work = self._proxy.pass_on(step, self._client, self._responder)
        await self._client.unless_gone(work, self._responder)

    async def _serve(self, step: Serve) -> None:
        self._note(step.status)
        if step.refresh:
            self._plain.refresh(step.stored)
        if step.stored.document is not None:
            work = serve_document(self._edge, self._inbound, step, self._responder)
            self._client.has_no_body()
            await self._client.unless_gone(work, self._responder)
            return
        answer = reply(step.stored, self._inbound.head, step.status, self._edge.clock())
        await self._responder.start(answer.status, answer.headers)
        await self._responder.finish(answer.body)

    async def _ask(self, step: Ask) -> Step | None:
        if self._plain.may_fill:
            self._client.has_no_body()
            outcome, joined = await self._client.unless_gone(self._plain.fill(), self._responder)
            if joined:
                self._edge.tally.collapsed.add("response")
            found, now = self._plain.lookup(), self._edge.clock()
            filled = after_fill(step, outcome, found, collapsed=joined, now=now)
            if filled != step:
                return filled
        self._responder.outcome = str(step.forward)
        work = self._proxy.ask(step, self._plain, self._client, self._responder)
        await self._client.unless_gone(work, self._responder)
        return None

    def _count_visit(self, page: Page) -> None:
        """Count one to what is stored: what is not would have visitors fill the table at will."""
        memory = self._edge.memory
        is_stored = memory.shells.peek(page.key) is not None
        if is_stored and is_visit(self._inbound.head.headers):
            memory.visits.add(uri_of(page.key))

    def _note(self, status: CacheStatus) -> None:
        """File the response under what its trace says."""
        word = "hit" if status.is_hit else str(status.fwd)
        self._responder.outcome = status.detail or word

    async def _relay(self, step: Relay) -> None:
        self._responder.outcome = str(step.status.fwd)
        assert self._probed is not None
        since, asked_at = self._asked
        keeping = self._plain.keeping(self._probed, since, asked_at)
        work = self._proxy.relay(self._probed, step.status, self._responder, keeping)
        await self._client.unless_gone(work, self._responder)

    async def _fail(self, step: Fail) -> None:
        self._responder.outcome = "failed"
        await self._proxy.fail(step, self._responder)

    async def _refuse(self, step: Refuse) -> None:
        self._responder.outcome = "refused"
        fields = [(b"cache-status", CACHE + b"; hit; detail=refused")]
        await self._responder.text(step.status, step.message, fields)
