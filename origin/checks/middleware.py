"""What stands in MIDDLEWARE."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from django.conf import settings
from django.core import checks
from django.utils.module_loading import import_string

from ..conf import Settings

OURS: Final = "origin.middleware.TwoPassMiddleware"
_SITE_CACHE: Final = (
    "django.middleware.cache.UpdateCacheMiddleware",
    "django.middleware.cache.FetchFromCacheMiddleware",
    "django.middleware.cache.CacheMiddleware",
)
_COMPRESSION: Final = "django.middleware.gzip.GZipMiddleware"


def check_place(conf: Settings) -> Iterator[checks.CheckMessage]:
    """Our middleware is there, first, and outside compression."""
    place = _place_of(OURS)
    if place is None:
        yield checks.Error(
            f"{OURS} is not in MIDDLEWARE, so no page is rendered in two passes.",
            hint="Put it first.",
            id="twopass.E006",
        )
        return
    if place > 0:
        before = settings.MIDDLEWARE[:place]
        yield checks.Error(
            f"{OURS} is not the first of MIDDLEWARE: what stands before it would see requests and "
            "responses that are not a visitor's.",
            hint=f"Move it before {before[0]}.",
            id="twopass.E007",
        )
    gzip = _place_of(_COMPRESSION)
    if gzip is not None and (gzip < place or conf.edges):
        yield checks.Warning(
            "GZipMiddleware compresses "
            + ("what the edge compresses itself." if gzip > place else "pages with open holes."),
            hint="Leave compression to the edge, or put GZipMiddleware behind ours where there is "
            "none.",
            id="twopass.W002",
        )


def check_site_cache(conf: Settings) -> Iterator[checks.CheckMessage]:
    """No cache of whole pages answers in the place of a second pass."""
    found = [path for path in settings.MIDDLEWARE if path in _SITE_CACHE]
    if found and conf.enabled:
        yield checks.Error(
            f"{found[0]} would answer for two-pass pages, and so for their fragments.",
            hint="Take the site-wide cache out of MIDDLEWARE; cache_page on single views that are "
            "not two-pass is fine.",
            id="twopass.E008",
        )


def check_sessions(conf: Settings) -> Iterator[checks.CheckMessage]:
    """A session that is saved with each request makes each request a new visitor."""
    if settings.SESSION_SAVE_EVERY_REQUEST and conf.enabled:
        yield checks.Warning(
            "SESSION_SAVE_EVERY_REQUEST is on: each answer sets the session cookie, which drops "
            "all fragments held for this visitor.",
            hint="Turn it off; to prolong sessions, save them once a day in a middleware.",
            id="twopass.W003",
        )


def _place_of(path: str) -> int | None:
    for place, found in enumerate(settings.MIDDLEWARE):
        if found == path or _is_subclass(found, path):
            return place
    return None


def _is_subclass(found: str, path: str) -> bool:
    try:
        one, other = import_string(found), import_string(path)
    except ImportError:
        return False  # Django says so itself when it loads the middleware
    return isinstance(one, type) and issubclass(one, other)
