"""Middleware that makes each request a unit of work and carries the visitor's pin.

    MIDDLEWARE = ["dbrouting.middleware.ReplicaMiddleware",       # first, or nearly
                  ...SessionMiddleware,
                  "dbrouting.middleware.SessionPinMiddleware"]    # optional, after sessions

The cookie serves browsers, and the edge, which passes it on with second-pass requests. The
session serves a visitor's other devices and clients without cookies of their own.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction, sync_to_async
from django.conf import settings as django_settings
from django.http import HttpRequest, HttpResponseBase, StreamingHttpResponse

from .conf import get_settings
from .lsn import format_lsn, parse_lsn
from .pinning import Pin, settle, sign, unsign
from .units import Unit, current_unit, resume, unit

GetResponse = Callable[[HttpRequest], Any]

_SESSION_KEY = "_dbrouting_pin"


class _Middleware:
    """Sync or async, after the handler inside it."""

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response
        if iscoroutinefunction(get_response):
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        if iscoroutinefunction(self.get_response):
            return self._respond_async(request)
        return self._respond(request)

    def _respond(self, request: HttpRequest) -> HttpResponseBase:
        raise NotImplementedError

    async def _respond_async(self, request: HttpRequest) -> HttpResponseBase:
        raise NotImplementedError


class ReplicaMiddleware(_Middleware):
    """One node a request; the pin cookie read before it and set after its writes."""

    def _respond(self, request: HttpRequest) -> HttpResponseBase:
        with unit(_pin_of(request)) as started:
            response: HttpResponseBase = self.get_response(request)
            if started.has_written or started.raised:
                _pin(response, started)
        return _within_unit(response, started)

    async def _respond_async(self, request: HttpRequest) -> HttpResponseBase:
        with unit(_pin_of(request)) as started:
            response: HttpResponseBase = await self.get_response(request)
            if started.has_written or started.raised:
                await sync_to_async(_pin)(response, started)
        return _within_unit(response, started)


class SessionPinMiddleware(_Middleware):
    """Keeps the pin in the session too; reads it only when a replica is about to be asked."""

    def _respond(self, request: HttpRequest) -> HttpResponseBase:
        _offer_session(request)
        response: HttpResponseBase = self.get_response(request)
        _keep_in_session(request)
        return response

    async def _respond_async(self, request: HttpRequest) -> HttpResponseBase:
        _offer_session(request)
        response: HttpResponseBase = await self.get_response(request)
        if current_unit().has_written or current_unit().raised:
            await sync_to_async(_keep_in_session)(request)
        return response


def _pin_of(request: HttpRequest) -> int:
    value = request.COOKIES.get(get_settings().pin_cookie)
    pin = unsign(value) if value else None
    return pin.lsn if pin else 0


def _pin(response: HttpResponseBase, started: Unit) -> None:
    settle(started)
    settings = get_settings()
    if not started.raised:
        return
    response.set_cookie(
        settings.pin_cookie,
        sign(Pin(started.pin)),
        max_age=int(settings.pin_seconds),
        domain=settings.pin_cookie_domain,
        path=django_settings.SESSION_COOKIE_PATH,
        secure=django_settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


def _within_unit(response: HttpResponseBase, started: Unit) -> HttpResponseBase:
    """Have a streamed body read as the request did: it is rendered after this middleware."""
    is_file = getattr(response, "file_to_stream", None) is not None
    if isinstance(response, StreamingHttpResponse) and not is_file:
        wrap = _parts_async if response.is_async else _parts
        response.streaming_content = wrap(response.streaming_content, started)
    return response


def _parts(parts: Any, started: Unit) -> Iterator[bytes]:
    iterator = iter(parts)
    while True:
        with resume(started):
            try:
                part = next(iterator)
            except StopIteration:
                return
        yield part


async def _parts_async(parts: Any, started: Unit) -> AsyncIterator[bytes]:
    iterator = aiter(parts)
    while True:
        with resume(started):
            try:
                part = await anext(iterator)
            except StopAsyncIteration:
                return
        yield part


def _offer_session(request: HttpRequest) -> None:
    # Without its cookie there is no session to ask, and nothing is loaded.
    if django_settings.SESSION_COOKIE_NAME in request.COOKIES:
        current_unit().add_late_pin(lambda: _pin_in_session(request))


def _pin_in_session(request: HttpRequest) -> int:
    session = getattr(request, "session", None)
    if session is None:
        return 0
    # The page does not depend on the pin, so reading it must not add Vary: Cookie.
    before = session.accessed
    value = session.get(_SESSION_KEY)
    session.accessed = before
    try:
        return parse_lsn(value)
    except ValueError:
        return 0


def _keep_in_session(request: HttpRequest) -> None:
    started = current_unit()
    settle(started)
    session = getattr(request, "session", None)
    if started.raised and session is not None and session.session_key:
        session[_SESSION_KEY] = format_lsn(started.pin)
