"""CSRF tokens of a project's own Django: a sentinel while rendering, the visitor's when filling."""

from __future__ import annotations

import functools
import secrets
from typing import Final

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase
from django.middleware.csrf import CSRF_SESSION_KEY
from django.utils.cache import patch_vary_headers

from fragments import csrf as wire
from fragments.csrf import mask, secret_from_bytes, unmask
from fragments.manifest import CookieSpec
from fragments.signing import Keyring

from .registry import fragment
from .subrequest import cookies_of

CSRF_FRAGMENT: Final = "twopass.csrf"
"""Stands for CSRF tokens where a project keeps them in the session (CSRF_USE_SESSIONS)."""

_KEYS: Final = ("CSRF_COOKIE", "CSRF_COOKIE_NEEDS_UPDATE")


@functools.lru_cache(maxsize=8)
def sentinels(keyring: Keyring) -> tuple[str, ...]:
    """The secrets that stand for every visitor's, the current one first; derived once."""
    return wire.sentinels(keyring)


def show_sentinel(request: HttpRequest, keyring: Keyring) -> dict[str, object]:
    """Let every token made of `request` stand for the sentinel; gives what `restore` needs.

    So a `{% cache %}` block around a form holds no visitor's token, whoever filled it in what pass.
    """
    saved = {key: request.META[key] for key in _KEYS if key in request.META}
    request.META["CSRF_COOKIE"] = sentinels(keyring)[0]
    request.META.pop("CSRF_COOKIE_NEEDS_UPDATE", None)
    return saved


def restore(request: HttpRequest, saved: dict[str, object]) -> None:
    """Undo `show_sentinel`: no middleware is to send the sentinel to anybody."""
    for key in _KEYS:
        request.META.pop(key, None)
    request.META.update(saved)


def token_for(secret: str) -> bytes:
    """A freshly masked token for `secret`."""
    return mask(secret, secrets.token_bytes(32))


def visitor_secret(request: HttpRequest) -> str | None:
    """The secret in the visitor's own cookie, of today's or the legacy masked form."""
    return unmask(cookies_of(request).get(settings.CSRF_COOKIE_NAME, ""))


def new_secret() -> str:
    """A secret for a visitor who has none."""
    return secret_from_bytes(secrets.token_bytes(32))


def use_in_place(request: HttpRequest) -> str:
    """The secret of the request under way, made if need be; Django's middleware will save it."""
    secret = request.META.get("CSRF_COOKIE")
    if not isinstance(secret, str):
        secret = new_secret()
        request.META["CSRF_COOKIE"] = secret
    request.META["CSRF_COOKIE_NEEDS_UPDATE"] = True
    return secret


def session_secret(request: HttpRequest) -> str:
    """The secret in the session (CSRF_USE_SESSIONS), made if need be: a write."""
    secret = request.session.get(CSRF_SESSION_KEY)
    if not isinstance(secret, str):
        secret = new_secret()
        request.session[CSRF_SESSION_KEY] = secret
    return secret


@fragment(CSRF_FRAGMENT, scope="no-store", writes=True)
def render_token(request: HttpRequest) -> str:
    """A token of the session's secret."""
    return token_for(session_secret(request)).decode("ascii")


def set_cookie(response: HttpResponseBase, secret: str) -> None:
    """Set the project's CSRF cookie, as Django's own middleware does."""
    spec = cookie_spec()
    if spec is None:
        return
    response.set_cookie(
        spec.name,
        secret,
        max_age=spec.max_age,
        domain=spec.domain,
        path=spec.path,
        secure=spec.secure,
        httponly=spec.httponly,
        samesite=settings.CSRF_COOKIE_SAMESITE,
    )
    patch_vary_headers(response, ("Cookie",))


def has_sentinel_cookie(response: HttpResponseBase, keyring: Keyring) -> bool:
    """Whether a decorator of the view (ensure_csrf_cookie) has set the cookie to the sentinel."""
    morsel = response.cookies.get(cookie_name())
    return morsel is not None and morsel.value in sentinels(keyring)


def cookie_name() -> str:
    """The name of the project's CSRF cookie."""
    return str(settings.CSRF_COOKIE_NAME)


def cookie_spec() -> CookieSpec | None:
    """How the project sets its CSRF cookie; None where tokens live in the session."""
    if settings.CSRF_USE_SESSIONS:
        return None
    return CookieSpec(
        name=settings.CSRF_COOKIE_NAME,
        max_age=settings.CSRF_COOKIE_AGE,
        domain=settings.CSRF_COOKIE_DOMAIN,
        path=settings.CSRF_COOKIE_PATH,
        secure=settings.CSRF_COOKIE_SECURE,
        httponly=settings.CSRF_COOKIE_HTTPONLY,
        samesite=str(settings.CSRF_COOKIE_SAMESITE) if settings.CSRF_COOKIE_SAMESITE else None,
    )
