"""One fragment of an ESI page: from the store, or asked for, and kept by its own headers."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass

from edge.core.assembled import Part
from edge.core.codings import CodingError, codings_of, decoded
from edge.core.esi_document import DocumentError, asks_for_esi, compile_document
from edge.core.exchange import after_plain_lookup, after_validation
from edge.core.inbound import Inbound
from edge.core.key import canonical_target, primary_key
from edge.core.messages import RequestHead, combined, has, without
from edge.core.outbound import visitors_own
from edge.core.steps import Ask, Fail, PlainLookup, Serve, Step, Validate
from edge.core.stored import StoredResponse
from edge.core.validation import CONDITIONAL_FIELDS
from edge.edge import Edge
from edge.fetch import OriginError, OriginResponse
from edge.plain import Keeping, Plain
from fragments.esi import Program
from fragments.esi.destination import Destination

logger = logging.getLogger("twopass.edge.esi")

PERSONAL = "esi-personal"
"""Mark of a fragment that was no shared one lately: nobody waits for another's answer to it."""

# The page's own message, not the fragment's: conditions and ranges speak of the page, and what
# says who asks belongs to its host alone.
_OF_THE_PAGE = CONDITIONAL_FIELDS | {
    b"accept-encoding",
    b"content-encoding",
    b"content-length",
    b"content-type",
    b"range",
}
_OF_ITS_HOST = frozenset({b"authorization", b"cookie", b"origin", b"referer"})

Feed = Callable[[bytes], None]


@dataclass(frozen=True, slots=True)
class Arrived:
    """A fragment that came: its last bytes, or the program of one that is itself a document.

    `part` says what it means for the page's headers. `source`: `held`, `validated`, `collapsed` or
    `fetched`.
    """

    content: bytes | Program
    part: Part
    source: str


@dataclass(frozen=True, slots=True)
class Missing:
    """A fragment that did not come, and why."""

    reason: str


Outcome = Arrived | Missing


def fragments_request(inbound: Inbound, destination: Destination) -> Inbound:
    """The visitor's request turned into one for a fragment. Raises BadTarget.

    Cookies and credentials go to the page's own host and nowhere else.
    """
    host = destination.host.encode("ascii")
    target = canonical_target(destination.target.encode("ascii"))
    path, mark, query = target.partition(b"?")
    dropped = _OF_THE_PAGE if host == inbound.head.host else _OF_THE_PAGE | _OF_ITS_HOST
    head = RequestHead(
        b"GET",
        destination.scheme.encode("ascii"),
        host,
        target,
        without(inbound.head.headers, dropped),
    )
    return Inbound(head, inbound.client, path, query if mark else None, has_body=False)


class Fragment:
    """The fragment at `destination` for the visitor of `inbound`. Raises BadTarget.

    `lifetime`: the seconds that the document gives it, None where it does not.
    """

    def __init__(
        self, edge: Edge, inbound: Inbound, destination: Destination, lifetime: float | None
    ) -> None:
        self._edge = edge
        self._inbound = fragments_request(inbound, destination)
        self._plain = Plain(edge, self._inbound)
        self._lifetime = lifetime
        head = self._inbound.head
        self._key = primary_key(head.scheme, head.host, head.target)
        self._feed: Feed | None = None
        self._is_shared: bool | None = None

    def lookup(self) -> Step:
        """What the store says to do."""
        found = self._plain.lookup()
        return after_plain_lookup(PlainLookup(), found, self._edge.clock())

    def held(self, step: Serve) -> Outcome:
        """A fragment from the store."""
        if step.refresh:
            self._plain.refresh(step.stored)
        return self._content(step.stored, "held")

    async def fetch(self, step: Step, feed: Feed, seconds: float) -> Outcome:
        """The fragment by way of `step`, within `seconds`; `feed` gets what comes of it at once.

        One that is too late is finished all the same when others may have it.
        """
        self._feed = feed
        work: asyncio.Task[Outcome] = self._edge.spawn(self._bounded(step))
        goes_on = False
        try:
            await asyncio.wait({work}, timeout=max(0.0, seconds))
            if work.done():
                return work.result()
            goes_on = self._is_shared is not False
            return Missing("no answer in time")
        finally:
            self._feed = None
            if not goes_on:
                work.cancel()

    async def _bounded(self, step: Step) -> Outcome:
        try:
            async with asyncio.timeout(self._edge.settings.first_pass_timeout):
                return await self._follow(step)
        except TimeoutError:
            return Missing("timeout")
        except (CodingError, DocumentError) as error:
            return Missing(str(error))

    async def _follow(self, step: Step) -> Outcome:
        while True:
            match step:
                case Serve():
                    return self.held(step)
                case Validate(stored):
                    outcome, joined = await self._plain.validate(stored)
                    now = self._edge.clock()
                    step = after_validation(step, outcome, collapsed=joined, now=now)
                    if isinstance(step, Serve):
                        return self._content(step.stored, "validated")
                case Ask():
                    return await self._ask()
                case Fail(detail=detail):
                    return Missing(detail)
                case _:
                    raise AssertionError(f"no step of a fragment: {step!r}")

    async def _ask(self) -> Outcome:
        """Ask the origin. Who else wants the same waits to see whether it is for all."""
        edge = self._edge
        mark, key = (PERSONAL, self._key), (self._key, edge.memory.generation)
        if edge.memory.marks.get(mark, edge.clock()) is not None:
            return await self._get()
        leading = edge.fills.lead(key)
        if leading is None:
            if await edge.fills.wait(key, edge.settings.first_pass_timeout):
                step = self.lookup()
                if isinstance(step, Serve):
                    edge.tally.collapsed.add("fragment")
                    return self._content(step.stored, "collapsed")
            return await self._get()
        try:
            return await self._get(leading)
        finally:
            if not leading.done():
                leading.set_result(self._is_shared or None)

    async def _get(self, leading: asyncio.Future[bool | None] | None = None) -> Outcome:
        edge = self._edge
        since, asked_at = edge.position, edge.clock()
        request = visitors_own(self._inbound, asks_for_shell=False)
        try:
            response = await edge.origin_for(request.host).send(request)
        except OriginError as error:
            return Missing(error.reason)
        try:
            keeping = self._plain.keeping(response, since, asked_at, self._lifetime)
            self._is_shared = keeping.is_wanted()
            if not self._is_shared:
                until = edge.clock() + edge.settings.hit_for_pass
                edge.memory.marks.set((PERSONAL, self._key), PERSONAL, until)
                if leading is not None:
                    leading.set_result(False)
                if self._feed is None:
                    return Missing("no answer in time")
            return await self._take(response, keeping)
        except OriginError as error:
            return Missing(error.reason)
        finally:
            await response.aclose()

    async def _take(self, response: OriginResponse, keeping: Keeping) -> Outcome:
        limit = self._edge.esi.limits.document
        if has(response.headers, b"set-cookie"):
            self._edge.tally.late_cookies.add()
        if not _is_success(response.status):
            if keeping.is_wanted():  # it says itself for how long it is not to be asked for
                keeping.add(await response.read(limit))
                keeping.complete()
            return Missing(f"status {response.status}")
        part = Part(response.headers, keeping.age)
        if asks_for_esi(response.headers):
            body = await response.read(limit)
            document = compile_document(
                response.headers, body, self._edge.esi.limits, is_for_all=keeping.is_for_all()
            )
            keeping.complete(document)
            return Arrived(document.program, part, "fetched")
        codings = codings_of(combined(response.headers, b"content-encoding"))
        if codings:
            body = await response.read(limit)
            keeping.add(body)
            keeping.complete()
            return Arrived(decoded(body, codings, limit), part, "fetched")
        await self._stream(response, keeping, limit)
        return Arrived(b"", part, "fetched")

    async def _stream(self, response: OriginResponse, keeping: Keeping, limit: int) -> None:
        size = 0
        async for chunk in response.chunks():
            size += len(chunk)
            if size > limit:
                raise DocumentError(f"a fragment has more than {limit} bytes")
            keeping.add(chunk)
            if self._feed is not None:
                self._feed(chunk)
        keeping.complete()

    def _content(self, stored: StoredResponse, source: str) -> Outcome:
        if not _is_success(stored.facts.status):
            return Missing(f"status {stored.facts.status}")
        part = Part(stored.headers, stored.facts.age(self._edge.clock()))
        if stored.document is not None:
            return Arrived(stored.document.program, part, source)
        codings = codings_of(combined(stored.headers, b"content-encoding"))
        if not codings:
            return Arrived(stored.body, part, source)
        try:
            body = decoded(stored.body, codings, self._edge.esi.limits.document)
        except CodingError as error:
            return Missing(str(error))
        return Arrived(body, part, source)


def _is_success(status: int) -> bool:
    return 200 <= status < 300
