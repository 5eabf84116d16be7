"""What the edge is told beforehand: the project's cookies, dimensions and two-pass routes."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils import translation

from fragments.manifest import MAX_ROUTES, Manifest, Route

from . import csrf
from .conf import Settings
from .page import page_options_of
from .passes import PageOptions

logger = logging.getLogger("twopass.manifest")

_NAMED_GROUP = re.compile(r"\(\?P<\w+>")
_BACK_REFERENCE = re.compile(r"\(\?P=\w+\)|\\[1-9]")


def of_project(request: HttpRequest | None, conf: Settings) -> Manifest:
    """The project's manifest; `request` tells the script name under which it is mounted."""
    prefix = "" if request is None else str(request.META.get("SCRIPT_NAME", ""))
    return Manifest(
        session_cookie=settings.SESSION_COOKIE_NAME,
        csrf_cookie=csrf.cookie_spec(),
        dimensions=tuple(conf.dimensions.values()),
        routes=tuple(routes(prefix, conf)),
        ignorable_query=conf.ignorable_query,
        bypass_cookies=conf.bypass_cookies,
        varying_headers=conf.varying_headers,
        release=conf.release,
    )


def routes(prefix: str = "", conf: Settings | None = None) -> list[Route]:
    """The two-pass routes of ROOT_URLCONF, each once, in every language that paths differ by.

    URLconfs that middleware chooses by host are not known here; the edge asks about those URLs.
    """
    start = re.escape(prefix.rstrip("/") + "/")
    found: dict[Route, None] = {}
    for language in _languages():
        with translation.override(language):
            for found_view in _walk(get_resolver(settings.ROOT_URLCONF), ""):
                route = _route(rf"\A{start}{found_view.pattern}\Z", found_view.page)
                if route is not None:
                    found[route] = None
    if len(found) > MAX_ROUTES:
        logger.warning("%d two-pass routes; the manifest holds %d", len(found), MAX_ROUTES)
    return list(found)[:MAX_ROUTES]


@dataclass(frozen=True, slots=True)
class MarkedView:
    """A view of the URLconf that `@two_pass` marks. `pattern` is a regular expression."""

    pattern: str
    view: Callable[..., Any]
    page: PageOptions


def marked_views() -> list[MarkedView]:
    """Every marked view of ROOT_URLCONF, for checks and reports."""
    return list(_walk(get_resolver(settings.ROOT_URLCONF), ""))


def _languages() -> list[str]:
    if not settings.USE_I18N:
        return [settings.LANGUAGE_CODE]
    return [code for code, _ in settings.LANGUAGES]


def _walk(resolver: URLResolver, before: str) -> Iterator[MarkedView]:
    for pattern in resolver.url_patterns:
        own = before + _regex(pattern)
        if isinstance(pattern, URLResolver):
            yield from _walk(pattern, own)
        elif isinstance(pattern, URLPattern):
            page = page_options_of(pattern.callback)
            if page is not None:
                yield MarkedView(own, pattern.callback, page)


def _regex(pattern: URLPattern | URLResolver) -> str:
    text = pattern.pattern.regex.pattern
    for anchor in ("\\Z", "$"):
        text = text.removesuffix(anchor)
    # names may come twice in one path, and only whether it matches is of interest
    return _NAMED_GROUP.sub("(?:", text.removeprefix("^"))


def _route(pattern: str, page: PageOptions) -> Route | None:
    if _BACK_REFERENCE.search(pattern):
        return None  # its groups have other numbers here; the edge asks about such URLs
    return Route(pattern, page.dimensions, page.query, page.gate is not None)
