"""A page completed where it was made: shell and frames become one response, without an edge."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.middleware.gzip import GZipMiddleware
from django.middleware.http import ConditionalGetMiddleware
from django.utils.deprecation import MiddlewareMixin
from django.utils.module_loading import import_string

from fragments.bundle import Frame, Message
from fragments.dimensions import Dimension
from fragments.headers import INTERNAL_PREFIX
from fragments.include import Include
from fragments.shell import FragmentHole, Part, Shell

from . import csrf
from .conf import Settings
from .filling import Filling, open_holes
from .headers_out import is_personal, protect, vary
from .second_pass import Plan
from .subrequest import cookies_of

BUCKET_AGE = 90 * 86_400
"""Seconds that a visitor stays in the A/B bucket drawn for them."""

_WHOLE_BODY = (ConditionalGetMiddleware, GZipMiddleware)
"""Middleware that looks at the finished body: what it did inside was undone by filling."""


def all_parts(shell: Shell) -> list[Part]:
    """The parts of body and headers."""
    return [*shell.body, *(part for _, parts in shell.headers for part in parts)]


def holes_for(shell: Shell, request: HttpRequest) -> list[FragmentHole]:
    """The fragments that this visitor's page needs; none for HEAD, which shows none."""
    if request.method == "HEAD":
        return []
    return open_holes(all_parts(shell), cookies_of(request))


def frames_by_hole(
    holes: list[FragmentHole], messages: Iterable[Message]
) -> dict[FragmentHole, Frame]:
    """What came for each hole."""
    return {
        holes[message.index]: message
        for message in messages
        if isinstance(message, Frame) and message.index < len(holes)
    }


def fill(
    holes: list[FragmentHole],
    frames: Mapping[FragmentHole, Frame],
    plan: Plan | None,
    conf: Settings,
) -> Filling:
    """What to put into `holes`; one without a frame gets its fallback."""

    def show(token: bytes) -> Frame:
        if plan is None:
            return Frame(index=0, status=503, scope="no-store")
        return plan.alternative(0, Include.verify(token, conf.keyring))

    missing = Frame(index=0, status=503, scope="no-store")
    complete = {hole: frames.get(hole, missing) for hole in holes}
    return Filling.of(complete, show, strict=conf.strict)


def respond(request: HttpRequest, shell: Shell, filling: Filling) -> HttpResponse:
    """The whole page for this visitor."""
    parts = all_parts(shell)
    secret = None
    if filling.needs_csrf(parts) and not settings.CSRF_USE_SESSIONS:
        secret = csrf.visitor_secret(request) or csrf.new_secret()
        filling.csrf_token = csrf.token_for(secret)
    response = HttpResponse(filling.apply(shell.body), status=shell.status)
    del response.headers["Content-Type"]
    for name, cut_value in shell.headers:
        if name.startswith(INTERNAL_PREFIX):
            continue
        response.headers[name.title()] = filling.apply(cut_value).decode("latin-1")
    if request.method == "GET":
        response.headers["Content-Length"] = str(len(response.content))
    protect(response, personal=is_personal(parts), sealed=shell.gate)
    vary(response, shell.dimensions)
    if secret is not None:
        csrf.set_cookie(response, secret)
    return response


def set_buckets(
    response: HttpResponseBase, drawn: Iterable[Dimension], values: Mapping[str, str]
) -> None:
    """Give the visitor the cookies of the buckets drawn for them."""
    for dimension in drawn:
        response.set_cookie(
            dimension.field,
            values[dimension.name],
            max_age=BUCKET_AGE,
            secure=settings.SESSION_COOKIE_SECURE,
            samesite="Lax",
        )


def apply_body_middleware(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    """Let validators and compression see the finished body, where the project has them."""
    installed = [import_string(path) for path in settings.MIDDLEWARE]
    for kind in _WHOLE_BODY:
        if any(isinstance(item, type) and issubclass(item, kind) for item in installed):
            middleware: MiddlewareMixin = kind(_no_response)
            response = middleware.process_response(request, response)  # type: ignore[attr-defined]
    return response


def _no_response(request: HttpRequest) -> HttpResponse:
    return HttpResponse()
