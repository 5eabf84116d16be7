"""The second pass: the fragments of a page for one visitor, in place of the page's own view.

Before the head: the gate, session and user, fragments that may write. After it, one frame per
fragment as it is rendered, when nothing can be saved any more.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import functools
import logging
import time
from collections.abc import AsyncIterator, Coroutine, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field

from asgiref.sync import SyncToAsync, async_to_sync, sync_to_async
from django.conf import settings
from django.core.handlers.asgi import ASGIRequest
from django.db import connections
from django.http import HttpRequest, HttpResponseBase, StreamingHttpResponse

from fragments.bundle import RESPONSE_TYPE, End, Frame, Head, Message, encode_message
from fragments.errors import WireError
from fragments.include import Include

from . import counters, csrf
from .conf import Settings
from .frames import ForNobody, Job, Renderer, failure, job_for, unknown
from .gates import verdict_of
from .pace import PACE, TOGETHER, Turn, turns
from .passes import Gate
from .registry import UnknownFragment
from .session import read_session
from .surroundings import Surroundings, capture

logger = logging.getLogger("twopass.fragments")


@dataclass(slots=True)
class Bundle:
    """What a second pass is to render. `expires`: on the monotonic clock, in seconds.

    `includes` holds an error where a token was not ours.
    """

    includes: Sequence[Include | WireError]
    for_nobody: ForNobody
    values: Mapping[str, str] = field(default_factory=dict)
    is_nobody: bool = False
    expires: float | None = None


@dataclass(slots=True)
class Preparation:
    """Asks for a request as the stack prepares it, and for no answer."""

    surroundings: Surroundings | None = None


class Plan:
    """What is left to do once the head is known: `messages` are the frames, as they are rendered.

    `ready` were rendered before the head.
    """

    def __init__(
        self,
        head: Head,
        ready: Sequence[Frame],
        jobs: Sequence[Job],
        renderer: Renderer,
        conf: Settings,
        expires: float | None = None,
        *,
        is_gated: bool = False,
    ) -> None:
        self.head = head
        self._is_gated = is_gated
        self._ready = tuple(ready)
        self._sync = [job for job in jobs if not job.is_async and not _concurrent(job)]
        self._async = [job for job in jobs if job.is_async]
        self._pooled = [job for job in jobs if not job.is_async and _concurrent(job)]
        self._count = len(ready) + len(jobs)
        self._renderer = renderer
        self._conf = conf
        self._expires = expires
        # what middleware keeps in context variables (a database router's unit of work) holds for
        # fragments that are rendered after it has returned
        self._context = contextvars.copy_context()
        # the copy is made in a thread of sync_to_async, and used when that thread is free again
        self._context.run(SyncToAsync.deadlock_context.set, False)
        self._context.run(renderer.visitor.stay)

    def __repr__(self) -> str:
        return f"<Plan of {self._count} fragments, {len(self._ready)} ready>"

    def alternative(self, index: int, include: Include) -> Frame:
        """The frame for what is shown instead of a fragment that failed."""
        try:
            return self._renderer.render(job_for(index, include))
        except UnknownFragment as error:
            return unknown(index, error, strict=self._conf.strict)

    def messages(self) -> Iterator[Message]:
        """Head, frames, end: sync fragments in turn, pooled ones beside them."""
        for batch in self._batches():
            yield from batch

    async def amessages(self) -> AsyncIterator[Message]:
        """As `messages`, with async fragments together and sync ones in the request's thread."""
        async for batch in self._abatches():
            for message in batch:
                yield message

    def encoded(self) -> Iterator[bytes]:
        """The wire form of `messages`; what need not wait for each other is sent at once."""
        for batch in self._batches():
            yield b"".join(map(_encode, batch))

    async def aencoded(self) -> AsyncIterator[bytes]:
        """The wire form of `amessages`, likewise."""
        async for batch in self._abatches():
            yield b"".join(map(_encode, batch))

    def _batches(self) -> Iterator[list[Message]]:
        pool = _pool(self._conf.workers)
        running = {self._submit(pool, job) for job in self._pooled}
        batch: list[Message] = [self.head, *self._ready]
        try:
            for place, turn in enumerate(self._turns()):
                if batch and (place or not turn.is_quick or self._may_not_wait):
                    yield batch
                    batch = []
                began = time.monotonic()
                for job in turn.items:
                    if batch and time.monotonic() - began > TOGETHER:  # it took longer than ever
                        yield batch
                        batch, began = [], time.monotonic()
                    batch.append(self._render(job))
                done = [future for future in running if future.done()]
                running.difference_update(done)
                batch += [future.result() for future in done]
            if batch and (self._async or running):
                yield batch
                batch = []
            if self._async:
                yield list(async_to_sync(self._all_async)())
            for future in as_completed(running):
                yield [future.result()]
        finally:
            for future in running:
                future.cancel()
        yield [*batch, End(self._count)]

    async def _abatches(self) -> AsyncIterator[list[Message]]:
        planned = self._turns()
        queue: asyncio.Queue[Frame] = asyncio.Queue()
        tasks = [self._in_context(self._put_async(queue, job)) for job in self._async]
        tasks += [asyncio.create_task(self._put_pooled(queue, job)) for job in self._pooled]
        batch: list[Message] = [self.head, *self._ready]
        left = self._count - len(self._ready)
        try:
            if self._may_not_wait or (planned and not planned[0].is_quick):
                yield batch
                batch = []
            if planned:
                tasks.append(asyncio.create_task(self._put_in_turn(queue, planned)))
            while left:
                found = await _first(queue, TOGETHER if batch else None)
                left -= len(found)
                batch += found
                if left:
                    yield batch
                    batch = []
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        yield [*batch, End(self._count)]

    @property
    def _may_not_wait(self) -> bool:
        """Whether the head leaves at once: a gate's is waited for, and others may take long."""
        return self._is_gated or bool(self._async or self._pooled)

    def _turns(self) -> list[Turn[Job]]:
        return turns((job, PACE.expected(job.fragment.name)) for job in self._sync)

    def _in_context(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        return asyncio.create_task(work, context=self._context.copy())

    async def _put_in_turn(self, queue: asyncio.Queue[Frame], planned: Sequence[Turn[Job]]) -> None:
        for turn in planned:
            for frame in await sync_to_async(self._render_all)(turn.items):
                queue.put_nowait(frame)

    async def _put_async(self, queue: asyncio.Queue[Frame], job: Job) -> None:
        await queue.put(await self._render_async(job))

    async def _put_pooled(self, queue: asyncio.Queue[Frame], job: Job) -> None:
        future = self._submit(_pool(self._conf.workers), job)
        await queue.put(await asyncio.wrap_future(future))

    async def _all_async(self) -> list[Frame]:
        queue: asyncio.Queue[Frame] = asyncio.Queue()
        await asyncio.gather(
            *(self._in_context(self._put_async(queue, job)) for job in self._async)
        )
        return [queue.get_nowait() for _ in self._async]

    async def _render_async(self, job: Job) -> Frame:
        try:
            async with asyncio.timeout(self._seconds_left()):
                return await self._renderer.arender(job)
        except TimeoutError as error:
            return failure(job.index, 504, error, strict=self._conf.strict)

    def _render_all(self, jobs: Iterable[Job]) -> list[Frame]:
        return list(map(self._render, jobs))

    def _render(self, job: Job) -> Frame:
        left = self._seconds_left()
        if left is not None and left <= 0:
            # nobody waits any more: what has not begun need not begin
            error = TimeoutError("the bundle's deadline has passed")
            return failure(job.index, 504, error, strict=self._conf.strict)
        # a copy for each: a context cannot be entered twice at a time
        frame = self._context.copy().run(self._renderer.render, job)
        PACE.learn(job.fragment.name, frame.rendering)
        return frame

    def _submit(self, pool: ThreadPoolExecutor, job: Job) -> Future[Frame]:
        return pool.submit(self._render_alone, job)

    def _render_alone(self, job: Job) -> Frame:
        try:
            return self._render(job)
        finally:
            connections.close_all()  # this thread's own, which no request would ever close

    def _seconds_left(self) -> float | None:
        return None if self._expires is None else self._expires - time.monotonic()


class FramesResponse(StreamingHttpResponse):
    """The answer to a bundle; its body is `plan` in its wire form."""

    def __init__(self, plan: Plan, *, is_async: bool) -> None:
        content = plan.aencoded() if is_async else plan.encoded()
        super().__init__(content, content_type=RESPONSE_TYPE)
        self.plan = plan
        self.headers["Cache-Control"] = "no-store"
        self.headers["X-Accel-Buffering"] = "no"


def answer(
    request: HttpRequest, bundle: Bundle, gate: Gate | None, conf: Settings
) -> HttpResponseBase:
    """The response to `bundle`: a FramesResponse, or the gate's verdict.

    Runs in a thread that may use the database.
    """
    facts = read_session(request)
    # nobody's fragments are not the page, and nobody would pass its gate
    asked = gate is not None and not bundle.is_nobody
    verdict = verdict_of(gate, request) if gate is not None and asked else None
    if verdict is not None:
        return verdict
    renderer = Renderer(
        capture(request),
        bundle.for_nobody,
        bundle.values,
        conf,
        is_nobody=bundle.is_nobody,
    )
    jobs, ready = _jobs(bundle, conf)
    writing = [job for job in jobs if job.fragment.options.writes]
    if settings.CSRF_USE_SESSIONS and facts.state == "valid":
        csrf.session_secret(request)  # a form in a fragment must find one once the head has left
    ready += [renderer.render(job, writes=True) for job in writing]
    head = Head(facts.state, facts.age, facts.groups)
    rest = [job for job in jobs if not job.fragment.options.writes]
    renderer.prepare(rest)
    plan = Plan(head, ready, rest, renderer, conf, bundle.expires, is_gated=asked)
    response = FramesResponse(plan, is_async=isinstance(request, ASGIRequest))
    for written in renderer.responses:
        response.cookies.update(written.cookies)
    return response


def log_cached_answer(request: HttpRequest) -> None:
    """Say what to do about a cache between us and the view that hides bundles from it."""
    counters.count("bundle-hidden")
    logger.error(
        "a cache answered %s where its fragments were asked for: take UpdateCacheMiddleware and "
        "FetchFromCacheMiddleware out of MIDDLEWARE, and cache_page off views marked @two_pass",
        request.path,
    )


async def _first(queue: asyncio.Queue[Frame], seconds: float | None) -> list[Frame]:
    """What is in `queue`, waiting for the first of it; nothing after `seconds`."""
    found: list[Frame] = []
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            found.append(await queue.get())
    while not queue.empty():
        found.append(queue.get_nowait())
    return found


def _encode(message: Message) -> bytes:
    try:
        return encode_message(message)
    except WireError as error:
        if not isinstance(message, Frame):
            raise
        logger.error("fragment %d is too large: %s", message.index, error)
        return encode_message(failure(message.index, 500, error, strict=False))


def _jobs(bundle: Bundle, conf: Settings) -> tuple[list[Job], list[Frame]]:
    """What can be rendered, and frames for what cannot."""
    jobs: list[Job] = []
    failed: list[Frame] = []
    for index, include in enumerate(bundle.includes):
        if isinstance(include, WireError):
            failed.append(failure(index, 400, include, strict=conf.strict))
            continue
        try:
            jobs.append(job_for(index, include))
        except UnknownFragment as error:
            failed.append(unknown(index, error, strict=conf.strict))
    return jobs, failed


def _concurrent(job: Job) -> bool:
    return job.fragment.options.concurrent


@functools.lru_cache(maxsize=1)
def _pool(workers: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max_workers=workers, thread_name_prefix="twopass")
