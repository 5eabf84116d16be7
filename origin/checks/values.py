"""What stands in settings.TWOPASS."""

from __future__ import annotations

from collections.abc import Iterator

from django.conf import settings
from django.core import checks

from ..conf import Settings

_LOCAL = "django.core.cache.backends.locmem.LocMemCache"


def unreadable(message: str) -> checks.Error:
    """The error for settings that conf refuses: E001 to E004 by what is wrong."""
    if message.startswith("TWOPASS has no key"):
        return checks.Error(message, hint="docs/origin.md lists the keys.", id="twopass.E001")
    if "'DIMENSIONS'" in message:
        return checks.Error(
            message,
            hint="For example 'currency': {'source': 'cookie', 'values': ['EUR', 'USD'], "
            "'default': 'EUR'}.",
            id="twopass.E002",
        )
    if "'SECRET'" in message:
        return checks.Error(
            message,
            hint='Make one with python -c "import secrets; print(secrets.token_urlsafe(48))", and '
            "give it to edge and origin as TWOPASS_SECRET.",
            id="twopass.E003",
        )
    return checks.Error(message, hint="docs/origin.md says what each key holds.", id="twopass.E004")


def check_cache(conf: Settings) -> Iterator[checks.CheckMessage]:
    """The cache that keeps pages in process exists, and is shared where it must be."""
    if not conf.cache:
        return
    if conf.cache not in settings.CACHES:
        yield checks.Error(
            f"TWOPASS['CACHE'] is {conf.cache!r}, which is not in CACHES.",
            hint=f"CACHES has {', '.join(sorted(settings.CACHES))}.",
            id="twopass.E005",
        )
    elif (
        settings.CACHES[conf.cache].get("BACKEND") == _LOCAL
        and not settings.DEBUG
        and not conf.edges
    ):
        yield checks.Warning(
            f"Pages are kept in the cache {conf.cache!r}, which each process has for itself: a "
            "change saved by one process is not seen by the others.",
            hint="Put an edge in front, or use Redis or memcached for this cache.",
            id="twopass.W001",
        )


def check_csrf_sessions(conf: Settings) -> Iterator[checks.CheckMessage]:
    """Tokens that live in sessions cost a fragment."""
    if settings.CSRF_USE_SESSIONS and conf.enabled:
        yield checks.Info(
            "CSRF_USE_SESSIONS is on: each page with a form needs a fragment for its token.",
            hint="With the token in a cookie (the default) edges fill forms by themselves.",
            id="twopass.I001",
        )
