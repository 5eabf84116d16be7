"""Plain responses of one request: looked up, validated, kept (RFC 9111 as a shared cache)."""

from __future__ import annotations

import logging
from dataclasses import replace

from edge.core.dates import format_http_date
from edge.core.directives import request_directives
from edge.core.esi_document import Document, DocumentError, asks_for_esi, compile_document
from edge.core.inbound import Inbound
from edge.core.invalidation import TooManyGroups
from edge.core.key import primary_key
from edge.core.messages import Field, RequestHead, ResponseHead, has, without
from edge.core.outbound import OriginRequest, visitors_own
from edge.core.page_key import label_url
from edge.core.policy import (
    ERROR_STATUSES,
    Assessment,
    assess,
    may_serve_authorized,
    reuse,
    reuse_as_asked,
    with_lifetime,
)
from edge.core.steps import Failed, PlainFound, Unfit, Validated, ValidationOutcome
from edge.core.stored import StoredResponse, prepare
from edge.core.validation import (
    CONDITIONAL_FIELDS,
    freshen,
    head_agrees,
    identifies,
    validation_fields,
)
from edge.core.vary import variant_key
from edge.edge import Edge
from edge.fetch import OriginError, OriginResponse

logger = logging.getLogger("twopass.edge.plain")

PAUSE = 1.0
"""Seconds for which stale responses are used without asking after the origin failed."""


_PERSONAL = frozenset({b"authorization", b"cookie"})


class Keeping:
    """Collects a response on its way to the visitor, to store it once it is complete."""

    def __init__(
        self, edge: Edge, request: RequestHead, assessment: Assessment, since: int
    ) -> None:
        self._edge = edge
        self._request = request
        self._assessment = assessment
        self._since = since
        self._body: bytearray | None = bytearray() if assessment.refusal is None else None

    @property
    def age(self) -> int:
        """How old the response is, in seconds."""
        return self._assessment.facts.age(self._edge.clock())

    def is_wanted(self) -> bool:
        """Whether the response is to be stored, so far."""
        return self._body is not None

    def is_for_all(self) -> bool:
        """Whether nothing in it is one visitor's: it is stored, and no cookie selects it."""
        return self.is_wanted() and not _PERSONAL & set(self._assessment.facts.vary.fields)

    @property
    def refusal(self) -> str | None:
        """Why it is not stored, as Cache-Status says it."""
        refusal = self._assessment.refusal
        return None if refusal is None else str(refusal)

    def add(self, chunk: bytes) -> None:
        """Take the next piece of the body; one that is too large is let go."""
        if self._body is None:
            return
        self._body += chunk
        if len(self._body) > self._edge.settings.object_bytes:
            self._body = None

    def complete(self, document: Document | None = None) -> StoredResponse | None:
        """Store the whole response; None where that may not be.

        `document`: what it is compiled to, where it is one of ESI.
        """
        if self._body is None:
            return None
        edge, request = self._edge, self._request
        primary = primary_key(request.scheme, request.host, request.target)
        key = variant_key(primary, self._assessment.facts.vary, request.headers)
        label = label_url(request.scheme + b"://" + request.host, request.target.partition(b"?")[0])
        try:
            content = bytes(self._body) if document is None else document
            stored = prepare(request, key, self._assessment, content, label)
        except TooManyGroups as error:
            logger.warning("response not stored: %s", error, extra={"url": primary.decode()})
            return None
        kept = edge.memory.keep_response(stored, self._since, edge.clock())
        edge.tally.stored.add("response", "stored" if kept else "refused")
        return stored


class Plain:
    """The plain side of one exchange."""

    def __init__(self, edge: Edge, inbound: Inbound) -> None:
        self._edge = edge
        self._inbound = inbound
        own = visitors_own(inbound, asks_for_shell=False)
        self._own = own
        self.request = replace(inbound.head, headers=own.headers)
        head = inbound.head
        self.primary = primary_key(head.scheme, head.host, head.target)

    def lookup(self) -> PlainFound:
        """What is stored for the request, and what it is good for now."""
        edge, now = self._edge, self._edge.clock()
        stored = edge.memory.responses.select(self.primary, self.request.headers)
        if stored is None:
            has_variants = bool(edge.memory.responses.variants(self.primary))
            only = request_directives(self.request.headers).only_if_cached
            return PlainFound(has_variants=has_variants, only_if_cached=only)
        if has(self.request.headers, b"authorization") and not may_serve_authorized(stored.facts):
            return PlainFound()
        if edge.policy.obeys_requests:
            asked = request_directives(self.request.headers)
            verdict = reuse_as_asked(stored.facts, now, asked)
        else:
            verdict = reuse(stored.facts, now)
        paused = edge.memory.pauses.get(stored.key, now) is not None
        return PlainFound(stored, verdict, paused=paused)

    def keeping(
        self,
        response: OriginResponse,
        since: int,
        requested_at: float,
        lifetime: float | None = None,
    ) -> Keeping:
        """Judge an answer to the visitor's own request.

        `lifetime`: seconds of freshness to give it instead of its own, where it may be stored.
        """
        head = ResponseHead(response.status, response.headers)
        edge = self._edge
        assessment = assess(self.request, head, requested_at, edge.clock(), edge.policy)
        if lifetime is not None:
            assessment = with_lifetime(assessment, lifetime)
        return Keeping(edge, self.request, assessment, since)

    def learn_from_head(self, response: OriginResponse, since: int, asked_at: float) -> None:
        """Freshen what is stored by a 200 to HEAD, or drop it where that speaks of something else

        (RFC 9111 §4.3.5).
        """
        stored = self._edge.memory.responses.select(self.primary, self.request.headers)
        if stored is None or stored.facts.status != response.status:
            return
        length = (b"content-length", b"%d" % len(stored.body))
        fields = stored.headers if stored.document is not None else [*stored.headers, length]
        if head_agrees(fields, stored.facts, response.headers):
            self._freshened(stored, response.headers, since, asked_at)
        else:
            self._edge.memory.responses.discard(stored.key)

    async def validate(self, stored: StoredResponse) -> tuple[ValidationOutcome, bool]:
        """Ask whether `stored` still holds, once for all who wonder; whether that was joined."""
        key = (stored.key, self._edge.memory.generation)
        return await self._edge.validations.share(key, lambda: self._validate(stored))

    def refresh(self, stored: StoredResponse) -> None:
        """The same in the background."""
        key = (stored.key, self._edge.memory.generation)
        self._edge.validations.begin(key, lambda: self._validate(stored))

    @property
    def may_fill(self) -> bool:
        """Whether the answer to this request was one for all the last time it was asked for."""
        if self._inbound.head.method != b"GET" or has(self.request.headers, b"authorization"):
            return False
        return self._edge.memory.shared_lately.get(self.primary) is not None

    async def fill(self) -> tuple[ValidationOutcome, bool]:
        """Ask for what is not stored any more, once for all who want it; whether that was joined.

        Others may have another variant: `lookup` tells what this request gets of it.
        """
        key = (self.primary, self._edge.memory.generation)
        return await self._edge.validations.share(key, self._fill)

    async def _fill(self) -> ValidationOutcome:
        outcome = await self._asked_about([])
        if isinstance(outcome, Unfit):
            self._edge.memory.shared_lately.discard(self.primary)
        return outcome

    async def _validate(self, stored: StoredResponse) -> ValidationOutcome:
        edge = self._edge
        others = (v for v in edge.memory.responses.variants(self.primary) if v != stored)
        outcome = await self._asked_about([stored, *others])
        failed = isinstance(outcome, Failed)
        if failed or (isinstance(outcome, Unfit) and outcome.status in ERROR_STATUSES):
            edge.memory.pauses.set(stored.key, True, edge.clock() + PAUSE)
        return outcome

    async def _asked_about(self, known: list[StoredResponse]) -> ValidationOutcome:
        """What the origin says, asked on condition of what is `known`."""
        edge, since, asked_at = self._edge, self._edge.position, self._edge.clock()
        try:
            origin = edge.origin_for(self._inbound.head.host)
            response = await origin.send(self._conditional(known))
            try:
                return await self._outcome(response, known, since, asked_at)
            finally:
                await response.aclose()
        except OriginError as error:
            return Failed(error.status, error.reason)
        except DocumentError as error:
            logger.error("ESI document refused: %s", error, extra={"url": self._url})
            return Failed(502, "esi")

    def _conditional(self, known: list[StoredResponse]) -> OriginRequest:
        conditions = validation_fields(variant.facts for variant in known)
        headers = without(self._own.headers, CONDITIONAL_FIELDS | {b"range"})
        return replace(self._own, method=b"GET", headers=[*headers, *conditions])

    async def _outcome(
        self, response: OriginResponse, known: list[StoredResponse], since: int, asked_at: float
    ) -> ValidationOutcome:
        if response.status == 304:
            for stored in known:
                if identifies(response.headers, stored.facts):
                    return self._freshened(stored, response.headers, since, asked_at)
            # It speaks of something that is not here (RFC 9111 §4.3.4): of no use.
            for stored in known[:1]:
                self._edge.memory.responses.discard(stored.key)
            return Unfit(304)
        request = replace(self.request, method=b"GET")
        head = ResponseHead(response.status, response.headers)
        edge = self._edge
        assessment = assess(request, head, asked_at, edge.clock(), edge.policy)
        keeping = Keeping(edge, request, assessment, since)
        if not keeping.is_wanted() or response.status in ERROR_STATUSES:
            return Unfit(response.status)
        if asks_for_esi(response.headers):
            body = await response.read(edge.esi.limits.document)
            document = compile_document(
                response.headers, body, edge.esi.limits, is_for_all=keeping.is_for_all()
            )
            renewed = keeping.complete(document)
            return Unfit(response.status) if renewed is None else Validated(renewed, 200)
        async for chunk in response.chunks():
            keeping.add(chunk)
            if not keeping.is_wanted():
                return Unfit(response.status)
        renewed = keeping.complete()
        return Unfit(response.status) if renewed is None else Validated(renewed, response.status)

    def _freshened(
        self, stored: StoredResponse, update: list[Field], since: int, asked_at: float
    ) -> Validated:
        """Update the stored fields from a 304 and start its freshness anew (RFC 9111 §4.3.4)."""
        now = self._edge.clock()
        if not has(update, b"date"):  # who receives none adds it (RFC 9110 §6.6.1)
            update = [*update, (b"date", format_http_date(now))]
        request = replace(self.request, method=b"GET")
        head = ResponseHead(stored.facts.status, freshen(stored.headers, update))
        assessment = assess(request, head, asked_at, now, self._edge.policy)
        content = stored.body if stored.document is None else stored.document
        fresh = prepare(request, stored.key, assessment, content, stored.labels.url)
        if assessment.refusal is None:
            self._edge.memory.keep_response(fresh, since, now)
        else:
            self._edge.memory.responses.discard(stored.key)
        return Validated(fresh, 304)

    @property
    def _url(self) -> str:
        return self._inbound.url.decode("ascii")
