"""A page being put together: includes asked for in parallel, bytes handed out in document order."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from edge.core.assembled import Part
from edge.core.body import Portion
from edge.core.esi_document import Document, DocumentError
from edge.core.inbound import Inbound
from edge.core.key import BadTarget
from edge.core.steps import Serve, Step
from edge.edge import Edge
from edge.esi.fragment import Arrived, Fragment, Missing, Outcome
from fragments.esi import Cancel, Evaluation, Fetch
from fragments.esi.program import Literal

logger = logging.getLogger("twopass.edge.esi")

MAX_AT_ONCE = 64
"""Fragments of one page that are asked for at the same time: others want connections, too."""

MAX_WAITING = 32 * 1024 * 1024
"""Bytes of fragments that wait for an earlier one, or for a slow visitor, within one page."""


class Assembly:
    """One page for one visitor. What the store holds is in it from the start.

    `parts`: what has come so far, for the page's headers. With `asks` False (HEAD) nothing is
    asked for.
    """

    def __init__(self, edge: Edge, inbound: Inbound, document: Document, *, asks: bool) -> None:
        self.parts: list[Part] = []
        self._edge = edge
        self._inbound = inbound
        self._asks = asks
        self._blocks = document.blocks or {}
        self._began = asyncio.get_running_loop().time()
        self._gate = asyncio.Semaphore(MAX_AT_ONCE)
        self._changed = asyncio.Event()
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._waiting = 0
        self._has_unasked = False
        rules = edge.esi
        self._evaluation = Evaluation(
            document.program, rules.view(inbound), rules.guard, rules.limits,
            is_strict=rules.is_strict,
        )  # fmt: skip
        self._perform()

    @property
    def is_at_hand(self) -> bool:
        """Whether the whole page is there and nothing is being asked for."""
        return not self._tasks and not self._has_unasked

    @property
    def is_finished(self) -> bool:
        """Whether all of the page has been handed out, or it has failed."""
        return self._evaluation.is_finished

    @property
    def error(self) -> str | None:
        """Why the page as a whole has failed (strict edges only)."""
        return self._evaluation.error

    @property
    def asked(self) -> int:
        """How many fragments are being asked for."""
        return len(self._tasks)

    def take(self) -> list[Portion]:
        """What has become ready."""
        ready = [self._portion(piece) for piece in self._evaluation.pieces()]
        self._waiting = max(0, self._waiting - sum(len(data) for data, _ in ready))
        return ready

    async def more(self) -> list[Portion]:
        """Wait until something has come; what is ready then."""
        await self._changed.wait()
        self._changed.clear()
        self._perform()
        return self.take()

    def close(self) -> None:
        """Stop what is still being asked for, and tell what failed."""
        for task in self._tasks.values():
            task.cancel()
        failures = self._evaluation.failures
        if failures:
            self._edge.tally.esi_fragments.add("failed", by=len(failures))
            first = failures[0]
            logger.warning(
                "%d fragments failed, the first: %s",
                len(failures),
                first.reason,
                # without its query, which may say who asks
                extra={"url": (first.url or "").partition("?")[0], "page": self._label},
            )

    def _portion(self, piece: bytes | Literal) -> Portion:
        if isinstance(piece, Literal):
            return piece.data, self._blocks.get(piece.data)
        return piece, None

    @property
    def _label(self) -> str:
        return (self._inbound.site + self._inbound.path).decode("ascii")

    def _perform(self) -> None:
        """Do what the program asks for now; what the store holds leads on at once."""
        while actions := self._evaluation.actions():
            for action in actions:
                if isinstance(action, Cancel):
                    if (task := self._tasks.pop(action.id, None)) is not None:
                        task.cancel()
                else:
                    self._begin(action)

    def _begin(self, fetch: Fetch) -> None:
        try:
            fragment = Fragment(self._edge, self._inbound, fetch.destination, fetch.ttl)
        except BadTarget as error:
            self._evaluation.fail(fetch.id, str(error))
            return
        step = fragment.lookup()
        if isinstance(step, Serve):
            self._settle(fetch.id, fragment.held(step))
        elif self._asks:
            work = self._fetch(fetch, fragment, step)
            self._tasks[fetch.id] = asyncio.create_task(work)
        else:
            self._has_unasked = True

    async def _fetch(self, fetch: Fetch, fragment: Fragment, step: Step) -> None:
        try:
            async with self._gate:
                feed = self._feeder(fetch.id)
                outcome = await fragment.fetch(step, feed, self._seconds(fetch))
        except Exception as error:  # a fragment costs its own place, whatever happens
            logger.exception("fragment failed", extra={"page": self._label})
            outcome = Missing(type(error).__name__)
        self._tasks.pop(fetch.id, None)
        self._settle(fetch.id, outcome)
        self._changed.set()

    def _seconds(self, fetch: Fetch) -> float:
        """How long the fragment may take from now on."""
        settings = self._edge.settings
        limit = settings.fragment_deadline if fetch.maxwait is None else fetch.maxwait
        left = self._began + settings.page_deadline - asyncio.get_running_loop().time()
        return min(limit, left)

    def _feeder(self, fetch_id: int) -> Callable[[bytes], None]:
        def feed(data: bytes) -> None:
            self._waiting += len(data)
            if self._waiting > MAX_WAITING:
                raise DocumentError(f"more than {MAX_WAITING} bytes wait in the page")
            self._evaluation.feed(fetch_id, data)
            self._changed.set()

        return feed

    def _settle(self, fetch_id: int, outcome: Outcome) -> None:
        match outcome:
            case Arrived(content, part, source):
                self._edge.tally.esi_fragments.add(source)
                self.parts.append(part)
                self._evaluation.fulfil(fetch_id, content)
            case Missing(reason):
                self._evaluation.fail(fetch_id, reason)
