"""Answers with the page that an ESI document makes, for one visitor."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from edge.core.assembled import (
    Part,
    Request,
    accepts_gzip,
    entity_tag,
    page_fields,
    streamed_fields,
    varies_by_coding,
)
from edge.core.body import Portion, Stream
from edge.core.esi_document import Document, DocumentError, compile_document
from edge.core.freshness import initial_age
from edge.core.inbound import Inbound
from edge.core.messages import Field, combined, without
from edge.core.outbound import visitors_own
from edge.core.page_headers import UNBUFFERED, is_not_modified, not_modified_fields
from edge.core.steps import Serve
from edge.core.stored import trace
from edge.core.validation import CONDITIONAL_FIELDS
from edge.edge import Edge
from edge.esi.assembly import Assembly
from edge.fetch import OriginResponse
from edge.plain import Keeping
from edge.respond import Responder


@dataclass(frozen=True, slots=True)
class EsiResponse:
    """A response to be played: None as `document` is that of a HEAD, which has no body."""

    status: int
    part: Part
    document: Document | None
    is_stored: bool = False


async def serve_document(edge: Edge, inbound: Inbound, step: Serve, responder: Responder) -> None:
    """Answer from a stored document."""
    stored, now = step.stored, edge.clock()
    fields = [*stored.headers, *trace(stored, step.status, now)]
    part = Part(stored.headers, stored.facts.age(now))
    response = EsiResponse(stored.facts.status, part, stored.document)
    await answer_with(edge, inbound, response, fields, responder)


async def ask_for_the_whole(
    edge: Edge, inbound: Inbound, response: OriginResponse
) -> OriginResponse:
    """The document, where the origin answered with a part of it or "not modified".

    Both speak of the document alone: the page has parts that may have changed. Raises OriginError,
    and DocumentError for an origin that sends no whole one.
    """
    await response.aclose()
    if inbound.head.method not in (b"GET", b"HEAD"):
        raise DocumentError(f"status {response.status} to an unsafe request")
    request = visitors_own(inbound, asks_for_shell=False)
    headers = without(request.headers, CONDITIONAL_FIELDS | {b"range"})
    whole = await edge.origin.send(replace(request, headers=headers))
    if whole.status in (206, 304):
        await whole.aclose()
        raise DocumentError(f"status {whole.status} to an unconditional request")
    return whole


async def take_document(
    edge: Edge, inbound: Inbound, response: OriginResponse, keeping: Keeping | None
) -> EsiResponse:
    """Read and compile the document, and keep it where it may be kept.

    Raises OriginError, DocumentError.
    """
    now = edge.clock()
    age = int(initial_age(response.headers, now, now)) if keeping is None else keeping.age
    part = Part(response.headers, age)
    if inbound.head.method == b"HEAD":
        return EsiResponse(response.status, part, None)
    body = await response.read(edge.esi.limits.document)
    is_for_all = keeping is not None and keeping.is_for_all()
    document = compile_document(response.headers, body, edge.esi.limits, is_for_all=is_for_all)
    stored = None if keeping is None else keeping.complete(document)
    return EsiResponse(response.status, part, document, stored is not None)


async def answer_with(
    edge: Edge,
    inbound: Inbound,
    response: EsiResponse,
    fields: Sequence[Field],
    responder: Responder,
) -> None:
    """Send the page; `fields` are the document's, trace included."""
    if response.document is None:
        await responder.start(response.status, streamed_fields(fields, [response.part]))
        await responder.finish()
        return
    asks = inbound.head.method != b"HEAD"
    assembly = Assembly(edge, inbound, response.document, asks=asks)
    try:
        await _Answer(edge, inbound, response, assembly, responder).send(fields)
    finally:
        assembly.close()


class _Answer:
    """One page on its way out."""

    def __init__(
        self,
        edge: Edge,
        inbound: Inbound,
        response: EsiResponse,
        assembly: Assembly,
        responder: Responder,
    ) -> None:
        assert response.document is not None
        self._edge = edge
        self._inbound = inbound
        self._response = response
        self._document = response.document
        self._assembly = assembly
        self._responder = responder
        headers = inbound.head.headers
        self._is_gzipped = self._document.blocks is not None and accepts_gzip(headers)
        self._stream = Stream(gzip=self._is_gzipped)

    async def send(self, fields: Sequence[Field]) -> None:
        """Send it, at once where all of it is at hand."""
        assembly = self._assembly
        timing = b'esi;desc="%d held, %d asked"' % (len(assembly.parts), assembly.asked)
        fields = [*fields, (b"server-timing", timing)]
        ready = assembly.take()
        if assembly.is_at_hand and assembly.error is None:
            await self._whole(fields, ready)
        elif self._edge.esi.is_strict and assembly.asked:
            # whoever wants the page only if it is whole gets a status that says so
            while not assembly.is_finished:
                ready += await assembly.more()
            if assembly.error is None:
                await self._whole(fields, ready)
        elif assembly.error is None:
            await self._streamed(fields, ready)
        if assembly.error is not None and not self._responder.is_started:
            await self._responder.text(502, "This page could not be put together.", _trace(fields))

    async def _whole(self, fields: Sequence[Field], pieces: list[Portion]) -> None:
        inbound, response = self._inbound, self._response
        request = Request(inbound.head.headers, self._document.variables)
        fields = page_fields(fields, [response.part, *self._assembly.parts], request)
        fields = self._coded(fields)
        is_kept = b"no-store" not in (combined(fields, b"cache-control") or b"")
        if response.status == 200 and is_kept:
            tag = entity_tag(b"".join(data for data, _ in pieces))
            fields.append((b"etag", tag))
            if inbound.head.method in (b"GET", b"HEAD") and is_not_modified(
                inbound.head.headers, tag
            ):
                self._edge.tally.not_modified.add()
                await self._responder.whole(304, not_modified_fields(fields), b"")
                return
        body = self._stream.encode(pieces) + self._stream.end()
        await self._responder.whole(response.status, fields, body)

    async def _streamed(self, fields: Sequence[Field], ready: list[Portion]) -> None:
        responder, assembly = self._responder, self._assembly
        fields = self._coded(streamed_fields(fields, [self._response.part]))
        fields.append(UNBUFFERED)
        await responder.start(self._response.status, fields)
        if not assembly.asked:  # HEAD
            await responder.finish()
            return
        while True:
            await responder.write(self._stream.encode(ready))
            if assembly.is_finished:
                break
            ready = await assembly.more()
        if assembly.error is None:  # else the page is cut, so that nobody takes it for whole
            await responder.finish(self._stream.end())

    def _coded(self, fields: list[Field]) -> list[Field]:
        if self._document.was_coded:
            fields = varies_by_coding(fields)
        if self._is_gzipped:
            fields.append((b"content-encoding", b"gzip"))
        return fields


_TRACE = frozenset({b"cache-status", b"via", b"set-cookie"})


def _trace(fields: Sequence[Field]) -> list[Field]:
    return [field for field in fields if field[0] in _TRACE]
