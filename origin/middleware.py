"""The middleware, first in MIDDLEWARE: it sees each request before, and each response after all."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import Any, assert_never, cast

from asgiref.sync import async_to_sync, iscoroutinefunction, markcoroutinefunction, sync_to_async
from django.conf import settings
from django.contrib.sessions.backends.base import SessionBase
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.urls.base import set_urlconf
from django.utils import timezone, translation

from fragments.errors import WireError
from fragments.headers import CAPABILITY, MIN_LSN
from fragments.manifest import INTERNAL_PREFIX

from . import counters, endpoints, exchange, foreign, guess, proof, second_pass
from .conf import get_settings
from .databases import check_lsn, first_pass_reads, fragment_reads
from .fragment_stack import FragmentStack, below
from .frames import ForNobody
from .middleware_reads import watch
from .page import SAFE, page_options_of
from .passes import Pass, TwoPass, entered, of
from .receipts import await_receipts, collect_receipts, wait_for_receipts
from .second_pass import Bundle, Preparation
from .steps import Collect, Flow, Run, Step, Work
from .subrequest import Target, build, drop_internal_fields
from .surroundings import Surroundings, capture
from .visit import Visit
from .visitor import dimensions_named, parts_for_nobody

Stack = Callable[[HttpRequest], Any]


class TwoPassMiddleware:
    """Renders pages for nobody and completes them for each visitor, under WSGI and ASGI."""

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Stack) -> None:
        self.get_response = get_response
        self.is_async = iscoroutinefunction(get_response)
        if self.is_async:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        """The answer; to an unsafe request, when the edges have dropped what it changed."""
        if self.is_async:
            return self._answer_async(request)
        with collect_receipts():
            response = self._drive(self._flow(request))
            if request.method not in SAFE:
                wait_for_receipts()
        return response

    async def _answer_async(self, request: HttpRequest) -> HttpResponseBase:
        with collect_receipts():
            response = await self._drive_async(self._flow(request))
            if request.method not in SAFE:
                await await_receipts()
        return response

    def process_view(
        self,
        request: HttpRequest,
        view: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> HttpResponseBase | None:
        """The real view is known: go on if this is the right pass for it."""
        state = of(request)
        if state is None:
            return None
        guess.learn(request)
        if isinstance(state.work, Preparation):
            state.work.surroundings = capture(request)
            return HttpResponse(status=204)
        page = page_options_of(view)
        if page is None and isinstance(state.work, Bundle):
            return second_pass.answer(request, state.work, None, get_settings())
        # an unmarked view may hold a mark below decorators that hide it: its wrapper will tell
        if page is not None and not state.fits(page, is_safe=request.method in SAFE):
            return HttpResponse(status=204)
        return None

    def _flow(self, request: HttpRequest) -> Flow:
        """The flow that answers `request`, by who asks."""
        conf = get_settings()
        if foreign.is_surrogate(request, conf):
            return foreign.answer(request, conf, self._for_nobody_of)
        if request.path_info.startswith(INTERNAL_PREFIX):
            return endpoints.answer(request, conf, self._for_nobody_of)
        try:
            kind = proof.kind_of(request, conf)
            min_lsn = check_lsn(request.headers.get(MIN_LSN)) if kind == "first" else None
        except WireError as error:
            counters.count("refused", error.code)
            return _constant(proof.refusal(error))
        may_have_shells = CAPABILITY in request.headers.get("Surrogate-Capability", "")
        drop_internal_fields(request)
        visit = Visit(request, conf, self._for_nobody_of)
        if kind is None:
            return exchange.in_one_process(visit)
        if kind == "first" and conf.enabled:
            return exchange.for_nobody(visit, min_lsn)
        if kind == "probe" and may_have_shells:
            return exchange.for_edge(visit)
        return exchange.passed_by_edge(visit)

    def _drive(self, flow: Flow) -> HttpResponseBase:
        result: Any = None
        while True:
            try:
                step = flow.send(result)
            except StopIteration as stop:
                return cast(HttpResponseBase, stop.value)
            result = self._perform(step)

    async def _drive_async(self, flow: Flow) -> HttpResponseBase:
        result: Any = None
        while True:
            try:
                step = flow.send(result)
            except StopIteration as stop:
                return cast(HttpResponseBase, stop.value)
            result = await self._perform_async(step)

    @functools.cached_property
    def _second_pass_stack(self) -> Stack:
        """What bundles run through: a chain of its own, synchronous always."""
        middleware = below(type(self), settings.MIDDLEWARE)
        if middleware is not None:
            return FragmentStack(middleware, get_settings().second_pass_skips, self.process_view)
        return async_to_sync(self.get_response) if self.is_async else self.get_response

    def _perform(self, step: Step) -> object:
        match step:
            case Run():
                with _running(step):
                    if _is_of_second_pass(step):
                        return self._second_pass_stack(step.request)
                    return self.get_response(step.request)
            case Work():
                return step.function()
            case Collect():
                return list(step.plan.messages())
            case _:
                assert_never(step)

    async def _perform_async(self, step: Step) -> object:
        match step:
            case Run() if _is_of_second_pass(step):
                # one thread for all of it: middleware, session and user, the gate, the head
                return await sync_to_async(self._perform)(step)
            case Run():
                with _running(step):
                    return await self.get_response(step.request)
            case Work():
                return await sync_to_async(step.function)()
            case Collect():
                return [message async for message in step.plan.amessages()]
            case _:
                assert_never(step)

    def _for_nobody_of(self, request: HttpRequest, values: Mapping[str, str]) -> ForNobody:
        """Prepares requests for nobody beside `request`, through the stack below."""
        target = Target.of(request)  # now, as what is read of `request` later may be noted

        def prepare(names: tuple[str, ...]) -> Surroundings:
            conf = get_settings()
            dimensions = dimensions_named(names, conf)
            parts = parts_for_nobody(request, values, dimensions, conf)
            sub = build(request, target, parts, anonymous=True)
            preparation = Preparation()
            step = Run(sub, TwoPass(Pass.SECOND, work=preparation))
            with capture(request).active():
                self._perform(step)
            return preparation.surroundings or _bare(sub)

        return prepare


def _is_of_second_pass(step: Run) -> bool:
    return isinstance(step.state.work, (Bundle, Preparation))


@contextlib.contextmanager
def _running(step: Run) -> Iterator[None]:
    """What must be in place while the stack runs once."""
    request, state = step.request, step.state
    request.two_pass = state  # type: ignore[attr-defined]  # ours
    # as BaseHandler.get_response does: another run may have left its own
    set_urlconf(settings.ROOT_URLCONF)
    with contextlib.ExitStack() as stack:
        stack.enter_context(entered(state))
        if state.kind is Pass.FIRST or isinstance(state.work, Preparation):
            # nobody has no language and no time zone that an earlier run may have left behind
            stack.enter_context(translation.override(settings.LANGUAGE_CODE))
            stack.enter_context(timezone.override(None))
        if state.kind is Pass.FIRST:
            stack.enter_context(first_pass_reads(step.min_lsn))
        else:
            watch(request)
        if _is_of_second_pass(step):
            is_nobody = not isinstance(state.work, Bundle) or state.work.is_nobody
            stack.enter_context(fragment_reads(step.min_lsn, is_nobody=is_nobody))
        yield


def _bare(request: HttpRequest) -> Surroundings:
    """A request that the stack did not let through to any view: nobody, with nothing set up."""
    from django.contrib.auth.models import AnonymousUser

    request.session = SessionBase()
    request.user = AnonymousUser()
    return capture(request)


def _constant(response: HttpResponseBase) -> Flow:
    yield from ()
    return response
