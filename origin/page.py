"""`@two_pass`: marks the view of a page, and does in its place what the pass at hand asks for."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar, cast, overload

from asgiref.sync import iscoroutinefunction, sync_to_async
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.template.response import SimpleTemplateResponse

from . import csrf, passes, second_pass, single_pass, subrequest
from .conf import Settings, get_settings
from .gates import verdict_of
from .guard import FirstPassViolation, Guard
from .passes import Gate, PageOptions, Pass, TwoPass
from .registry import Groups, groups_for
from .streams import collect
from .visitor import cookie_fields, dimensions_named

V = TypeVar("V", bound=Callable[..., Any])

SAFE = ("GET", "HEAD")


@overload
def two_pass(view: V, /) -> V: ...


@overload
def two_pass(
    *,
    max_age: float | None = None,
    stale_while_revalidate: float | None = None,
    stale_if_error: float | None = None,
    dimensions: Iterable[str] = (),
    query: Iterable[str] | None = None,
    groups: Groups = (),
    gate: Gate | None = None,
) -> Callable[[V], V]: ...


def two_pass(view: V | None = None, /, **options: Any) -> Any:
    """Mark a view whose page is rendered once for nobody and completed for each visitor.

    On a class, through `method_decorator(two_pass(…), name="dispatch")`, around `as_view()` in the
    URLconf, on functions and async views. The options are those of `PageOptions`: durations in
    seconds, `groups` with `{placeholders}` for the URL's arguments.

    >>> @two_pass(max_age=300, dimensions=["currency"], groups=["product:{pk}"])
    ... class ProductView(DetailView): ...
    """
    mark = functools.partial(_mark, _page_options(**options))
    return mark if view is None else mark(view)


def page_options_of(view: Callable[..., Any]) -> PageOptions | None:
    """What `@two_pass` declared of `view` (as the URLconf holds it), None if it is not marked."""
    found = getattr(view, "two_pass", None)
    return found if isinstance(found, PageOptions) else None


def _page_options(
    *,
    dimensions: Iterable[str] = (),
    query: Iterable[str] | None = None,
    **options: Any,
) -> PageOptions:
    if isinstance(dimensions, str) or isinstance(query, str):
        raise TypeError("two_pass: dimensions and query are lists of names")
    names = tuple(dimensions)
    return PageOptions(dimensions=names, query=None if query is None else tuple(query), **options)


def _mark(page: PageOptions, view: Any) -> Any:
    if isinstance(view, type):
        view.dispatch = _mark_method(page, view.dispatch)  # type: ignore[attr-defined]  # a View
        return view
    if iscoroutinefunction(view):

        @functools.wraps(view)
        async def answer_async(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            return await _answer_async(
                page, request, lambda: view(request, *args, **kwargs), kwargs
            )

        return _label(answer_async, page)

    @functools.wraps(view)
    def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        return _answer(page, request, functools.partial(view, request, *args, **kwargs), kwargs)

    return _label(answer, page)


def _mark_method(page: PageOptions, dispatch: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(dispatch)
    def answer(self: Any, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        def call() -> Any:
            return dispatch(self, request, *args, **kwargs)

        if getattr(self, "view_is_async", False) or iscoroutinefunction(dispatch):
            return _answer_async(page, request, call, kwargs)
        return _answer(page, request, call, kwargs)

    return cast("Callable[..., Any]", _label(answer, page))


def _label(wrapper: Any, page: PageOptions) -> Any:
    wrapper.two_pass = page
    if getattr(page.gate, "requires_login", False):
        # the gate does LoginRequiredMiddleware's work, which would redirect every first pass
        wrapper.login_required = False
    return wrapper


def _answer(
    page: PageOptions, request: HttpRequest, call: Callable[[], Any], kwargs: Mapping[str, Any]
) -> HttpResponseBase:
    visit = _Visit.begin(page, request, kwargs)
    if visit is None:
        return cast(HttpResponseBase, call())
    early = visit.before()
    if early is not None:
        return early
    try:
        response = call()
    except Exception as error:  # noqa: BLE001  # a view may raise anything; failed() raises again
        return visit.failed(error)
    return visit.after(response)


async def _answer_async(
    page: PageOptions, request: HttpRequest, call: Callable[[], Any], kwargs: Mapping[str, Any]
) -> HttpResponseBase:
    visit = _Visit.begin(page, request, kwargs)
    if visit is None:
        return cast(HttpResponseBase, await call())
    early = await sync_to_async(visit.before)()
    if early is not None:
        return early
    try:
        response = await call()
    except Exception as error:  # noqa: BLE001  # a view may raise anything; failed() raises again
        return visit.failed(error)
    return await sync_to_async(visit.after)(response)


@dataclass(slots=True)
class _Visit:
    """One call of a marked view: what comes before it, and what becomes of its answer."""

    page: PageOptions
    request: HttpRequest
    state: TwoPass
    kwargs: Mapping[str, Any]
    conf: Settings
    csrf_saved: dict[str, object] | None = None
    guard: Guard | None = None
    query: str | None = None

    @classmethod
    def begin(
        cls, page: PageOptions, request: HttpRequest, kwargs: Mapping[str, Any]
    ) -> _Visit | None:
        """None where the view is simply to be called: no middleware, or a mark inside a mark."""
        state = passes.of(request)
        if state is None or state.entered:
            return None
        state.entered = True
        return cls(page, request, state, kwargs, get_settings())

    def before(self) -> HttpResponseBase | None:
        """The answer, where the view is not to be called at all."""
        if not self.state.fits(self.page, is_safe=self.request.method in SAFE):
            return HttpResponse(status=204)
        if self.state.kind is Pass.SECOND:
            return second_pass.answer(self.request, self.state.work, self.page.gate, self.conf)
        if self.state.kind is Pass.SINGLE and self.page.gate is not None:
            verdict = verdict_of(self.page.gate, self.request)
            if verdict is not None:
                return verdict
        self.csrf_saved = csrf.show_sentinel(self.request, self.conf.keyring)
        if self.state.kind is Pass.FIRST:
            self._arm()
        else:
            self._narrow()
        return None

    def after(self, response: HttpResponseBase) -> HttpResponseBase:
        """What becomes of the view's answer, now or once it is rendered."""
        if isinstance(response, SimpleTemplateResponse) and not response.is_rendered:
            self._finish_when_rendered(response)
            return response
        return self.rendered(response)

    def failed(self, error: Exception) -> HttpResponse:
        """In a first pass an error is a verdict on the page; elsewhere it is raised again."""
        self._leave()
        if self.state.kind is not Pass.FIRST:
            raise error
        if isinstance(error, FirstPassViolation):
            return self._passed()
        if isinstance(error, (Http404, PermissionDenied)):
            self.state.give_up("status")
            return HttpResponse(status=204)
        raise error

    def rendered(self, response: HttpResponseBase) -> HttpResponseBase:
        """Fill the page, or hand the first pass's page over for compiling."""
        whole = None
        try:
            limit = self.conf.max_shell if self.state.kind is Pass.FIRST else None
            whole = collect(response, limit)
            if self.state.kind is Pass.FIRST and self.state.violation is None:
                names = groups_for(self.page.groups, self.request, self.kwargs)
                self.state.add_groups(*names)
        except FirstPassViolation:
            pass  # recorded; told below, as those that a template swallowed
        finally:
            self._leave()
        if csrf.has_sentinel_cookie(response, self.conf.keyring):
            self.state.csrf_used = True
        if self.state.violation is not None and self.state.kind is Pass.FIRST:
            return self._passed()
        if whole is None:
            if self.state.kind is Pass.FIRST:
                self.state.give_up("size")
            return response
        if self.state.kind is Pass.SINGLE:
            single_pass.fill_in_place(self.request, whole, self.state, self.conf)
            if self.state.csrf_used:
                csrf.use_in_place(self.request)
            if csrf.has_sentinel_cookie(whole, self.conf.keyring):
                # a decorator set it while the sentinel was shown
                csrf.set_cookie(whole, csrf.use_in_place(self.request))
        return whole

    def _narrow(self) -> None:
        """Show the view the parameters of a first pass, and fragments those of a second."""
        ignorable = self.conf.ignorable_query
        subrequest.narrow_query(self.request, None, ignorable)
        self.query = str(self.request.META.get("QUERY_STRING", ""))
        subrequest.narrow_query(self.request, self.page.query, ignorable)

    def _passed(self) -> HttpResponse:
        if self.conf.strict and self.state.violation is not None:
            raise self.state.violation
        return HttpResponse(status=204)

    def _arm(self) -> None:
        dimensions = dimensions_named(self.page.dimensions, self.conf)
        csrf_cookie = frozenset({csrf.cookie_name()})
        self.guard = Guard(
            self.request,
            self.state,
            cookie_fields(dimensions) | csrf_cookie,
            csrf.sentinels(self.conf.keyring)[0],
        )
        self.guard.arm()

    def _leave(self) -> None:
        """Give the request back as middleware left it."""
        if self.guard is not None:
            self.guard.disarm()
            self.guard = None
        if self.query is not None:
            self.request.META["QUERY_STRING"], self.query = self.query, None
            self.request.__dict__.pop("GET", None)
        if self.csrf_saved is not None:
            self.state.csrf_used = bool(self.request.META.get("CSRF_COOKIE_NEEDS_UPDATE"))
            csrf.restore(self.request, self.csrf_saved)
            self.csrf_saved = None

    def _finish_when_rendered(self, response: SimpleTemplateResponse) -> None:
        def render() -> HttpResponseBase:
            # once only, and gone before anybody pickles the response
            del response.__dict__["render"]
            try:
                done = response.render()
            except Exception as error:  # noqa: BLE001  # a view may raise anything; failed() raises again
                return self.failed(error)
            return self.rendered(done)

        response.__dict__["render"] = render
