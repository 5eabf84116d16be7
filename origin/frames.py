"""One include → one frame: rendered for whom it may be, with what it read and may be kept by."""

from __future__ import annotations

import html
import inspect
import logging
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Final, cast

from asgiref.sync import async_to_sync, sync_to_async
from django.conf import settings
from django.contrib.messages.storage.base import BaseStorage
from django.http import HttpRequest, HttpResponse
from django.template.response import SimpleTemplateResponse

from fragments.bundle import Frame, FramePart
from fragments.csrf import CsrfHole, looks_like_field, split_tokens
from fragments.include import Include, has_marker, split_markers
from fragments.shell import NONCE, Scope

from . import counters, csrf, rendering
from .conf import Settings
from .guard import FirstPassViolation, Guard
from .middleware_reads import reads_of
from .passes import LANGUAGE_ARGUMENT, Pass, TwoPass, entered
from .reads import ReadLog, track
from .registry import Fragment, UnknownFragment, groups_for
from .session import ReadOnly, ReadOnlyMessages
from .surroundings import Surroundings
from .visitor import cookie_fields, dimensions_named

logger = logging.getLogger("twopass.fragments")

_STRICTNESS: Final[tuple[Scope, ...]] = ("public", "private", "no-store")

ForNobody = Callable[[tuple[str, ...]], Surroundings]
"""Surroundings of a request that carries nothing but these dimensions."""


class NestingError(Exception):
    """A fragment holds another that it may not hold, or too many inside each other."""


@dataclass(frozen=True, slots=True)
class Job:
    """The fragment to be rendered for place `index` of a bundle; `language` is the page's."""

    index: int
    include: Include
    fragment: Fragment
    arguments: dict[str, Any]
    language: str | None

    @property
    def is_async(self) -> bool:
        """Whether the renderer is a coroutine function."""
        return inspect.iscoroutinefunction(self.fragment.render)


def job_for(index: int, include: Include) -> Job:
    """Raises UnknownFragment."""
    arguments: dict[str, Any] = dict(include.args)
    language = arguments.pop(LANGUAGE_ARGUMENT, None)
    return Job(index, include, rendering.find(include), arguments, cast("str | None", language))


@dataclass(slots=True)
class _Piece:
    """What came of one renderer, nested ones included. Durations in seconds."""

    scope: Scope
    max_age: float
    stale_while_revalidate: float
    stale_if_error: float
    log: ReadLog
    parts: list[FramePart] = field(default_factory=list)
    groups: dict[str, None] = field(default_factory=dict)
    status: int = 200
    wrote: bool = False

    def absorb(self, other: _Piece) -> None:
        """Take in a nested piece: the strictest of both holds (as in RFC 9111 for a whole page)."""
        self.parts.extend(other.parts)
        self.scope = max(self.scope, other.scope, key=_STRICTNESS.index)
        self.max_age = min(self.max_age, other.max_age)
        self.stale_while_revalidate = min(self.stale_while_revalidate, other.stale_while_revalidate)
        self.stale_if_error = min(self.stale_if_error, other.stale_if_error)
        self.log.merge(other.log)
        self.groups.update(other.groups)
        self.wrote = self.wrote or other.wrote


@dataclass(slots=True)
class _Attempt:
    """A renderer about to be called."""

    job: Job
    surroundings: Surroundings
    request: HttpRequest
    state: TwoPass
    piece: _Piece
    guard: Guard | None
    writes: bool
    depth: int


class Renderer:
    """Renders the fragments of one bundle or page.

    `visitor`: the surroundings of who asked (for a bundle for nobody: already stripped).
    `for_nobody`: makes those of public fragments, one for each set of dimensions.
    """

    def __init__(
        self,
        visitor: Surroundings,
        for_nobody: ForNobody,
        values: Mapping[str, str],
        conf: Settings,
        *,
        is_nobody: bool = False,
    ) -> None:
        self.visitor = visitor
        self._for_nobody = for_nobody
        self._values = values
        self._conf = conf
        self._is_nobody = is_nobody
        self._nobody: dict[tuple[str, ...], Surroundings] = {}
        self.responses: list[HttpResponse] = []
        """What writing fragments answered: their cookies belong into the head."""

    def render(self, job: Job, *, writes: bool = False) -> Frame:
        """The frame for `job`; an error is a frame with another status, never an exception."""
        started = time.perf_counter()
        try:
            piece = self._piece(job, writes, depth=0)
        except Exception as error:  # noqa: BLE001  # any renderer may raise anything
            return self._failed(job, error, started)
        return self._frame(job, piece, started)

    async def arender(self, job: Job) -> Frame:
        """As `render`, for an async renderer: many of them run together."""
        started = time.perf_counter()
        try:
            surroundings = self._known_surroundings(job)
            if surroundings is None:
                surroundings = await sync_to_async(self._surroundings)(job)
            attempt = self._attempt(job, surroundings, writes=False, depth=0)
            with self._under(attempt):
                rendered = await cast("Awaitable[str | HttpResponse]", self._call(attempt))
            if _may_block(attempt, rendered):
                piece = await sync_to_async(self._finish)(attempt, rendered)
            else:
                piece = self._finish(attempt, rendered)  # a thread would cost more than the work
        except Exception as error:  # noqa: BLE001  # any renderer may raise anything
            return self._failed(job, error, started)
        return self._frame(job, piece, started)

    def prepare(self, jobs: Iterable[Job]) -> None:
        """Make now, while the stack may still run, whatever surroundings `jobs` will need."""
        for job in jobs:
            self._surroundings(job)

    def is_empty_for_visitor(self, fragment: Fragment) -> bool:
        """Whether the visitor has none of the cookies without which there is nothing to show."""
        when = fragment.options.when_cookies
        return bool(when) and not any(name in self._cookies() for name in when)

    def _piece(self, job: Job, writes: bool, depth: int) -> _Piece:
        attempt = self._attempt(job, self._surroundings(job), writes, depth)
        try:
            with self._under(attempt):
                rendered = self._call(attempt)
                if inspect.isawaitable(rendered):
                    rendered = async_to_sync(_await)(rendered)
            return self._finish(attempt, cast("str | HttpResponse", rendered))
        except (FirstPassViolation, NestingError):
            if job.fragment.options.scope != "public" or self._conf.strict:
                raise
        return self._demoted(job, depth)

    def _demoted(self, job: Job, depth: int) -> _Piece:
        """In production a public fragment that saw the visitor is shown, but kept by nobody."""
        counters.count("demoted", job.fragment.name)
        options = replace(job.fragment.options, scope="no-store")
        fragment = replace(job.fragment, options=options)
        return self._piece(replace(job, fragment=fragment), False, depth)

    def _surroundings(self, job: Job) -> Surroundings:
        found = self._known_surroundings(job)
        if found is None:
            dimensions = job.fragment.options.dimensions
            found = self._nobody[dimensions] = self._for_nobody(dimensions)
        return found

    def _known_surroundings(self, job: Job) -> Surroundings | None:
        """What `job` is rendered in; None where the stack must prepare it first."""
        options = job.fragment.options
        if options.scope != "public" and not self._is_nobody:
            return self.visitor
        if self._is_nobody and not options.dimensions:
            return self.visitor
        return self._nobody.get(options.dimensions)

    def _attempt(self, job: Job, surroundings: Surroundings, writes: bool, depth: int) -> _Attempt:
        options = job.fragment.options
        dimensions = dimensions_named(options.dimensions, self._conf)
        fields = cookie_fields(dimensions)
        log = ReadLog(exempt_cookies=fields)
        reduced = {
            item.field: self._values[item.name]
            for item in dimensions
            if item.source in ("cookie", "language", "bucket") and item.name in self._values
        }
        cookies = {**surroundings.cookies, **reduced}
        request = track(surroundings.request, log, surroundings.meta, cookies)
        declared = {
            item.name: self._values[item.name] for item in dimensions if item.name in self._values
        }
        state = TwoPass(Pass.SECOND, values=declared)
        guard = self._prepare(request, state, job, fields, writes)
        default = self._conf.fragment_max_age if options.scope != "no-store" else 0.0
        piece = _Piece(
            scope=options.scope,
            max_age=default if options.max_age is None else options.max_age,
            stale_while_revalidate=options.stale_while_revalidate,
            stale_if_error=options.stale_if_error,
            log=log,
        )
        return _Attempt(job, surroundings, request, state, piece, guard, writes, depth)

    def _prepare(
        self,
        request: HttpRequest,
        state: TwoPass,
        job: Job,
        allowed: frozenset[str],
        writes: bool,
    ) -> Guard | None:
        """Give the fragment's request its own state, and what it may do with session and user."""
        fields = request.__dict__
        fields["two_pass"] = state
        csrf.show_sentinel(request, self._conf.keyring)
        if not writes:
            if "session" in fields:
                fields["session"] = ReadOnly(fields["session"])
            if "_messages" in fields:
                fields["_messages"] = ReadOnlyMessages()
        if job.fragment.options.scope != "public":
            return None
        allowed |= {settings.CSRF_COOKIE_NAME}
        return Guard(request, state, allowed, csrf.sentinels(self._conf.keyring)[0])

    @contextmanager
    def _under(self, attempt: _Attempt) -> Iterator[None]:
        """Be where the fragment is to be rendered; raise what its guard saw."""
        guard = attempt.guard
        with entered(attempt.state), attempt.surroundings.active(attempt.job.language):
            if guard is not None:
                guard.arm()
            try:
                before = _written(attempt.request) if attempt.writes else None
                yield
                if before is not None:
                    attempt.piece.wrote = _written(attempt.request) != before
            finally:
                if guard is not None:
                    guard.disarm()
        if attempt.state.violation is not None:
            raise attempt.state.violation

    def _call(self, attempt: _Attempt) -> object:
        return attempt.job.fragment.render(attempt.request, **attempt.job.arguments)

    def _finish(self, attempt: _Attempt, rendered: str | HttpResponse) -> _Piece:
        piece = attempt.piece
        body = self._body(attempt, rendered)
        # only now: lazy attributes of the request are read while rendering, in whatever fragment
        # comes first
        seen = reads_of(attempt.surroundings.request)
        piece.log.add_middleware(seen, with_cookies=piece.scope != "public")
        options = attempt.job.fragment.options
        groups = groups_for(options.groups, attempt.request, attempt.job.arguments)
        piece.groups.update((name, None) for name in (*groups, *attempt.state.groups))
        if attempt.state.max_age is not None:
            piece.max_age = min(piece.max_age, attempt.state.max_age)
        for part in split_markers(body, self._conf.keyring):
            if isinstance(part, bytes):
                piece.parts.extend(self._cut(part, attempt))
            elif part[1].kind == "nonce":
                piece.parts.append(NONCE)
            else:
                self._nest(piece, part[1], attempt)
        return piece

    def _body(self, attempt: _Attempt, rendered: str | HttpResponse) -> bytes:
        if isinstance(rendered, str):
            return rendered.encode()
        if not isinstance(rendered, HttpResponse):
            raise TypeError(
                f"fragment {attempt.job.fragment.name!r} gave {type(rendered).__name__}: "
                "a renderer gives HTML (str) or an HttpResponse"
            )
        if isinstance(rendered, SimpleTemplateResponse) and not rendered.is_rendered:
            with self._under(attempt):
                rendered.render()
        if attempt.writes:
            self.responses.append(rendered)
            attempt.piece.wrote = attempt.piece.wrote or bool(rendered.cookies)
        attempt.piece.status = rendered.status_code
        return rendered.content

    def _cut(self, text: bytes, attempt: _Attempt) -> Iterator[FramePart]:
        for part in split_tokens(text, csrf.sentinels(self._conf.keyring)):
            if isinstance(part, CsrfHole) and settings.CSRF_USE_SESSIONS:
                # the edge has no secret to fill it with; the token is this visitor's alone
                attempt.piece.scope = "no-store"
                if attempt.guard is not None:
                    raise NestingError("a public fragment cannot hold a token of the session")
                yield csrf.token_for(csrf.session_secret(attempt.request))
            else:
                if isinstance(part, bytes) and looks_like_field(part):
                    # somebody's own, from a {% cache %} block of a page without two passes, say
                    counters.count("stray-token", attempt.job.fragment.name)
                    attempt.piece.scope = "no-store"
                yield part

    def _nest(self, piece: _Piece, include: Include, attempt: _Attempt) -> None:
        """Put the fragment that `include` asks for where its marker stands."""
        parent = attempt.job.fragment
        if attempt.depth + 1 > self._conf.max_nesting:
            raise NestingError(
                f"fragments nest deeper than TWOPASS['MAX_NESTING'] = {self._conf.max_nesting} "
                f"inside {parent.name!r}"
            )
        job = job_for(attempt.job.index, include)
        options = job.fragment.options
        if parent.options.scope == "public" and (
            options.scope != "public"
            or not set(options.dimensions) <= set(parent.options.dimensions)
        ):
            raise NestingError(
                f"public fragment {parent.name!r} holds {job.fragment.name!r}, which differs by "
                "more than it does: declare its dimensions, or give it the same scope"
            )
        for name in (*options.when_cookies, *options.cookies):
            piece.log.cookie(name)
        for dimension in dimensions_named(options.dimensions, self._conf):
            if dimension.name not in parent.options.dimensions:
                _log_dimension(piece.log, dimension.source, dimension.field)
        if not self.is_empty_for_visitor(job.fragment):
            self._nest_rendered(piece, job, attempt)

    def _nest_rendered(self, piece: _Piece, job: Job, attempt: _Attempt) -> None:
        options = job.fragment.options
        try:
            piece.absorb(self._piece(job, attempt.writes and options.writes, attempt.depth + 1))
        except NestingError:
            raise
        except Exception:  # a nested fragment costs its own place only
            if self._conf.strict:
                raise
            logger.exception("fragment %r inside another failed", job.fragment.name)
            counters.count("fragment-failed", job.fragment.name)
            piece.parts.append(options.placeholder.encode())
            piece.max_age = 0.0

    def _cookies(self) -> Mapping[str, str]:
        return self.visitor.cookies  # no fragment's reading

    def _frame(self, job: Job, piece: _Piece, started: float) -> Frame:
        scope: Scope = "no-store" if piece.log.everything else piece.scope
        kept = scope != "no-store" and not piece.wrote
        return Frame(
            index=job.index,
            status=piece.status,
            body=tuple(_joined(piece.parts)),
            scope=scope,
            max_age=piece.max_age if kept else 0.0,
            stale_while_revalidate=piece.stale_while_revalidate if kept else 0.0,
            stale_if_error=piece.stale_if_error if kept else 0.0,
            groups=tuple(piece.groups),
            reads=piece.log.as_reads(),
            wrote=piece.wrote,
            rendering=time.perf_counter() - started,
        )

    def _failed(self, job: Job, error: Exception, started: float) -> Frame:
        counters.count("fragment-failed", job.fragment.name)
        logger.error("fragment %r failed", job.fragment.name, exc_info=error)
        return failure(
            job.index, 500, error, strict=self._conf.strict, seconds=time.perf_counter() - started
        )


def failure(
    index: int, status: int, error: Exception, *, strict: bool, seconds: float = 0.0
) -> Frame:
    """A frame that says to use a fallback; in development its body says why."""
    detail = f"<pre>{html.escape(f'{type(error).__name__}: {error}')}</pre>" if strict else ""
    body: tuple[FramePart, ...] = (detail.encode(),) if detail else ()
    return Frame(index=index, status=status, body=body, scope="no-store", rendering=seconds)


def unknown(index: int, error: UnknownFragment, *, strict: bool) -> Frame:
    """The frame for a fragment that this release does not have."""
    logger.warning("%s", error)
    counters.count("fragment-unknown")
    return failure(index, 404, error, strict=strict)


def _may_block(attempt: _Attempt, rendered: str | HttpResponse) -> bool:
    """Whether finishing may run more of the project's code: a template, groups, other fragments."""
    if settings.CSRF_USE_SESSIONS or callable(attempt.job.fragment.options.groups):
        return True
    if isinstance(rendered, SimpleTemplateResponse) and not rendered.is_rendered:
        return True
    body = rendered.encode() if isinstance(rendered, str) else getattr(rendered, "content", b"")
    return has_marker(body)


async def _await(rendered: Awaitable[Any]) -> Any:
    return await rendered


def _written(request: HttpRequest) -> tuple[object, ...]:
    """Something that differs once the session was written, or messages were used up or added."""
    session = getattr(request, "session", None)
    messages: BaseStorage | None = getattr(request, "_messages", None)
    shown = messages is not None and messages.used and len(messages) > 0
    added = messages is not None and messages.added_new
    data = getattr(session, "_session_cache", None)
    return bool(getattr(session, "modified", False)), repr(data), shown, added


def _log_dimension(log: ReadLog, source: str, field: str) -> None:
    if source == "header":
        log.header(field)
    else:
        log.cookie(field)
    if source == "language":
        log.header("accept-language")


def _joined(parts: list[FramePart]) -> Iterator[FramePart]:
    """Neighbouring literals as one, empty ones left out."""
    literal = b""
    for part in parts:
        if isinstance(part, bytes):
            literal += part
            continue
        if literal:
            yield literal
        literal = b""
        yield part
    if literal:
        yield literal
