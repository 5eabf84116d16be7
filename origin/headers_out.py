"""What a page's headers say of it once a visitor's parts are in it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from django.http import HttpResponseBase
from django.utils.cache import patch_vary_headers

from fragments.dimensions import Dimension
from fragments.shell import FragmentHole, Part

_OF_THE_WHOLE: Final = ("Expires", "CDN-Cache-Control", "ETag", "Last-Modified")
"""Fields that were said of the page without its visitor's parts: validators above all, by which
old parts would pass for new ones."""


def protect(response: HttpResponseBase, *, personal: bool, sealed: bool) -> None:
    """Keep caches on the way from sharing the page.

    `personal`: it holds private parts; `sealed`: nobody may store it at all (gates, passes).
    """
    if sealed or (personal and "no-store" in response.headers.get("Cache-Control", "").lower()):
        response.headers["Cache-Control"] = "private, no-store"
    elif personal:
        response.headers["Cache-Control"] = "private, no-cache"
    if sealed or personal:
        for name in _OF_THE_WHOLE:
            response.headers.pop(name, None)


def is_personal(parts: Iterable[Part]) -> bool:
    """Whether a page with these parts differs between visitors, whatever this one was shown."""
    return any(
        not isinstance(part, bytes) and not (isinstance(part, FragmentHole) and _is_shared(part))
        for part in parts
    )


def vary(response: HttpResponseBase, dimensions: Iterable[Dimension]) -> None:
    """Name the fields that the page differs by (RFC 9110 §12.5.5)."""
    names: dict[str, None] = {}
    for dimension in dimensions:
        if dimension.source == "header":
            names[dimension.field] = None
            continue
        names["Cookie"] = None
        if dimension.source == "language":
            names["Accept-Language"] = None
    if names:
        patch_vary_headers(response, tuple(names))


def _is_shared(hole: FragmentHole) -> bool:
    return hole.scope == "public" and not hole.when_cookies and not hole.cookies
