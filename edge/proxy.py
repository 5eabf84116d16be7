"""Everything that is no two-pass page: the visitor's own request on, the answer back, untouched."""

from __future__ import annotations

import logging
from dataclasses import replace

from edge import epoch
from edge.core.cache_status import CacheStatus, Forward
from edge.core.esi_document import DocumentError, asks_for_esi
from edge.core.inbound import Inbound
from edge.core.invalidation import (
    TooManyGroups,
    invalidated_groups,
    invalidated_uris,
    is_unsafe,
)
from edge.core.messages import Field, ResponseHead
from edge.core.outbound import visitors_own
from edge.core.page_headers import CACHE, relayed_fields
from edge.core.purge import Invalidation
from edge.core.steps import Ask, Fail, Pass
from edge.core.stored import uri_group
from edge.edge import Edge
from edge.esi.answer import answer_with, ask_for_the_whole, take_document
from edge.fetch import OriginError, OriginResponse
from edge.plain import Keeping, Plain
from edge.respond import Client, Responder

logger = logging.getLogger("twopass.edge.proxy")


class Proxy:
    """Forwards for one request."""

    def __init__(self, edge: Edge, inbound: Inbound) -> None:
        self._edge = edge
        self._inbound = inbound

    async def ask(self, step: Ask, plain: Plain, client: Client, responder: Responder) -> None:
        """As `pass_on`, and keep the answer where it says that it may be kept."""
        client.has_no_body()
        since, asked_at = self._edge.position, self._edge.clock()
        request = visitors_own(self._inbound, asks_for_shell=False)
        try:
            response = await self._edge.origin.send(request)
        except OriginError as error:
            await self.fail(Fail(error.status, error.reason, step.forward), responder)
            return
        status = CacheStatus(step.forward, fwd_status=response.status)
        if self._inbound.head.method == b"HEAD" and response.status == 200:
            plain.learn_from_head(response, since, asked_at)
        keeping = plain.keeping(response, since, asked_at)
        await self.relay(response, status, responder, keeping)

    async def pass_on(self, step: Pass, client: Client, responder: Responder) -> None:
        """Send the visitor's request to the origin and its answer to the visitor."""
        body = client.body() if self._inbound.has_body else b""
        if not self._inbound.has_body:
            client.has_no_body()
        request = visitors_own(self._inbound, asks_for_shell=False, body=body)
        try:
            response = await self._edge.origin.send(request)
        except OriginError as error:
            logger.warning("no answer: %s", error, extra={"reason": error.reason, "url": self._url})
            fail = Fail(error.status, error.reason, step.forward)
            await self.fail(fail, responder, reached=error.reached)
            return
        status = CacheStatus(step.forward, fwd_status=response.status, detail=step.detail)
        await self.relay(response, status, responder)

    async def relay(
        self,
        response: OriginResponse,
        status: CacheStatus,
        responder: Responder,
        keeping: Keeping | None = None,
    ) -> None:
        """Send the origin's answer to the visitor as it arrives, and close it.

        An answer that breaks off is cut for the visitor too, so that nobody takes it for whole.
        """
        if asks_for_esi(response.headers):
            await self._play(response, status, responder, keeping)
            return
        try:
            if keeping is not None:
                detail = status.detail or keeping.refusal
                status = replace(status, stored=keeping.is_wanted(), detail=detail)
            await responder.start(response.status, self._fields(response, status))
            async for chunk in response.chunks():
                if keeping is not None:
                    keeping.add(chunk)
                await responder.write(chunk)
            if keeping is not None:
                keeping.complete()
            await responder.finish()
        except OriginError as error:
            logger.warning("answer cut: %s", error, extra={"url": self._url})
        finally:
            await response.aclose()

    async def _play(
        self,
        response: OriginResponse,
        status: CacheStatus,
        responder: Responder,
        keeping: Keeping | None,
    ) -> None:
        """Answer with the page that an ESI document makes; keep the document."""
        edge, inbound = self._edge, self._inbound
        try:
            if response.status in (206, 304):
                response, keeping = await ask_for_the_whole(edge, inbound, response), None
                if not asks_for_esi(response.headers):
                    await self.relay(response, status, responder)
                    return
            taken = await take_document(edge, inbound, response, keeping)
        except (OriginError, DocumentError) as error:
            logger.error("ESI document refused: %s", error, extra={"url": self._url})
            await self.fail(Fail(502, "esi", status.fwd or Forward.MISS), responder)
            return
        finally:
            await response.aclose()
        if keeping is not None:
            detail = status.detail or keeping.refusal
            status = replace(status, stored=taken.is_stored, detail=detail)
        await answer_with(edge, inbound, taken, self._fields(response, status), responder)

    async def fail(self, step: Fail, responder: Responder, *, reached: bool = False) -> None:
        """Say that there is no answer. An unsafe request may have been acted on all the same."""
        status = CacheStatus(step.forward, detail=step.detail)
        fields: list[Field] = [(b"cache-status", status.serialise(CACHE.decode()))]
        if step.status == 503:
            fields.append((b"retry-after", b"1"))
        unsafe = is_unsafe(self._inbound.head.method)
        if reached and unsafe and self._edge.manifest.may_be_two_pass:
            fields.append(self._new_epoch())
        what = "did not answer in time" if step.status == 504 else "cannot be reached"
        await responder.text(step.status, f"The site {what}. Please try again.", fields)

    def _fields(self, response: OriginResponse, status: CacheStatus) -> list[Field]:
        fields = relayed_fields(response.headers, status)
        manifest = self._edge.manifest
        session = None if manifest.site is None else manifest.site.manifest.session_cookie
        unsafe = is_unsafe(self._inbound.head.method)
        if manifest.may_be_two_pass and epoch.is_over(unsafe, response.headers, session):
            fields.append(self._new_epoch())
        if unsafe:
            self._invalidate(response)
        return fields

    def _invalidate(self, response: OriginResponse) -> None:
        """What the request changed: its URI and those named with it (RFC 9111 §4.4), and

        Cache-Group-Invalidation (RFC 9875 §3); on all workers.
        """
        head = ResponseHead(response.status, response.headers)
        names = [uri_group(uri) for uri in invalidated_uris(self._inbound.head, head)]
        try:
            groups = invalidated_groups(self._inbound.head, head)
        except TooManyGroups as error:
            logger.error("groups not invalidated: %s", error, extra={"url": self._url})
            groups = frozenset()
        names += sorted(group.decode("ascii") for group in groups)
        if names:
            self._edge.publish(Invalidation(groups=tuple(names)))

    def _new_epoch(self) -> Field:
        self._edge.tally.epochs.add()
        return epoch.field(epoch.fresh(self._edge.rng), self._inbound.head.scheme)

    @property
    def _url(self) -> str:
        return self._inbound.url.decode("ascii")
