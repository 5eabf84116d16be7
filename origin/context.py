"""The context cookie: what an account decides of pages (its price group), signed for the edge.

`TWOPASS["CONTEXT"]` names a function of the request that gives a dict of text; dimensions with
source "context" read from it. It is called when a session begins or is renewed (a login), and when
`refresh_context` was called; the cookie goes when the session goes.
"""

from __future__ import annotations

from collections.abc import Mapping

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase
from django.utils.module_loading import import_string

from fragments.dimensions import CONTEXT_COOKIE, seal_context

from . import passes
from .conf import Settings
from .subrequest import cookies_of


def refresh_context(request: HttpRequest) -> None:
    """Ask the project's function again: what it says of this account has changed."""
    state = passes.of(request)
    if state is not None:
        state.context_changed = True


def update_context_cookie(request: HttpRequest, response: HttpResponseBase, conf: Settings) -> None:
    """Set, renew or delete the cookie, as the session's own cookie has changed."""
    if conf.context is None:
        return
    state = passes.of(request)
    morsel = response.cookies.get(settings.SESSION_COOKIE_NAME)
    has_cookie = CONTEXT_COOKIE in cookies_of(request)
    if morsel is not None and not morsel.value:
        if has_cookie:
            _delete(response)
        return
    session = morsel.value if morsel is not None else ""
    if not session and state is not None and state.context_changed:
        session = cookies_of(request).get(settings.SESSION_COOKIE_NAME, "")
    if session:
        _set(request, response, session, conf, has_cookie)


def _set(
    request: HttpRequest, response: HttpResponseBase, session: str, conf: Settings, had: bool
) -> None:
    values: Mapping[str, str] = import_string(str(conf.context))(request) or {}
    if not values:
        if had:
            _delete(response)
        return
    text = {str(key): str(value) for key, value in values.items()}
    response.set_cookie(
        CONTEXT_COOKIE,
        seal_context(conf.keyring, session, text),
        max_age=settings.SESSION_COOKIE_AGE,
        domain=settings.SESSION_COOKIE_DOMAIN,
        path=settings.SESSION_COOKIE_PATH,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite=settings.SESSION_COOKIE_SAMESITE,
    )


def _delete(response: HttpResponseBase) -> None:
    response.delete_cookie(
        CONTEXT_COOKIE,
        path=settings.SESSION_COOKIE_PATH,
        domain=settings.SESSION_COOKIE_DOMAIN,
        samesite=settings.SESSION_COOKIE_SAMESITE,
    )
