"""What middleware reads of a visitor's request, at once or later.

It may keep what it learns in attributes (`request.currency`, or a lazy `request.basket`), where no
fragment's own reads would show it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from django.conf import settings
from django.core.handlers.wsgi import WSGIRequest
from django.http import HttpRequest

from fragments.dimensions import CONTEXT_COOKIE

from .tracked_dict import TrackedDict

_QUERY_KEYS: Final = frozenset({"QUERY_STRING", "REQUEST_URI", "RAW_URI"})
"""The path is left out: all middleware looks at it, and it is no free text of the visitor's."""


@dataclass(slots=True)
class MiddlewareReads:
    """What was read so far; it grows as long as somebody may ask lazy attributes."""

    cookies: dict[str, None] = field(default_factory=dict)
    query: bool = False

    def cookie(self, name: str) -> None:
        """Record a cookie."""
        self.cookies[name] = None

    def meta(self, key: str) -> None:
        """Record a key of `request.META`."""
        if key in _QUERY_KEYS:
            self.query = True


def watch(request: HttpRequest) -> None:
    """Note from now on what is read of `request` itself, by whomever."""
    reads = MiddlewareReads()
    request.__dict__["_twopass_seen"] = reads
    request.COOKIES = TrackedDict(request.COOKIES, reads.cookie, _ignore)
    request.META = TrackedDict(request.META, reads.meta, _ignore)
    if isinstance(request, WSGIRequest):
        # what `request.GET` is made of
        request.environ = request.META


def reads_of(request: HttpRequest) -> MiddlewareReads:
    """What was read until now, without the cookies whose effect is known.

    Session and user are in every private key, the language is in every include, and messages and
    CSRF tokens are never kept.
    """
    seen: MiddlewareReads = request.__dict__.get("_twopass_seen", MiddlewareReads())
    if not seen.cookies:
        return seen
    known = {
        settings.SESSION_COOKIE_NAME,
        settings.CSRF_COOKIE_NAME,
        settings.LANGUAGE_COOKIE_NAME,
        CONTEXT_COOKIE,
        "messages",
    }
    # a copy in one step: fragments on other threads may be adding to it
    names = [name for name in tuple(seen.cookies) if name not in known]
    return MiddlewareReads(dict.fromkeys(sorted(names)), seen.query)


def _ignore() -> None:
    """Reading all: middleware that logs or copies cookies goes by none of them in particular."""
