"""A visitor as far as a page may differ by them: dimension values, and what carries them."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest

from fragments.dimensions import CONTEXT_COOKIE, Dimension, open_context, seal_context

from . import passes
from .conf import Settings, get_settings
from .csrf import sentinels
from .guard import refuse
from .passes import Pass
from .subrequest import Parts, addressing_of, cookies_of, headers_of


def dimensions_named(names: Iterable[str], conf: Settings) -> tuple[Dimension, ...]:
    """The project's dimensions of these names. Raises KeyError naming the one it lacks."""
    missing = [name for name in names if name not in conf.dimensions]
    if missing:
        raise KeyError(f"dimension {missing[0]!r} is not in TWOPASS['DIMENSIONS']")
    return tuple(conf.dimensions[name] for name in names)


def reduce(
    request: HttpRequest,
    dimensions: Iterable[Dimension],
    conf: Settings,
    known: Mapping[str, str] | None = None,
) -> tuple[dict[str, str], list[Dimension]]:
    """The visitor's values, and the buckets drawn here and now (their cookies must be set).

    `known` values (those that the edge drew) come first.
    """
    cookies, headers = cookies_of(request), headers_of(request)
    session = cookies.get(settings.SESSION_COOKIE_NAME, "")
    context = open_context(conf.keyring, session, cookies.get(CONTEXT_COOKIE, ""))
    values: dict[str, str] = {}
    drawn: list[Dimension] = []
    for dimension in dimensions:
        value = (known or {}).get(dimension.name)
        if value not in dimension.values:
            value = dimension.reduce(cookies, headers, context)
        if value is None:
            value = dimension.draw(secrets.randbelow(1 << 53) / (1 << 53))
            drawn.append(dimension)
        values[dimension.name] = value
    return values, drawn


def parts_for_nobody(
    request: HttpRequest,
    values: Mapping[str, str],
    dimensions: Iterable[Dimension],
    conf: Settings,
) -> Parts:
    """The allow-list of a first pass: the site asked for, and the dimensions' reduced values.

    The sentinel stands for every visitor's CSRF secret.
    """
    parts = Parts(addressing_of(request))
    context: dict[str, str] = {}
    for dimension in dimensions:
        value = values[dimension.name]
        if dimension.source == "context":
            context[dimension.field] = value
        elif dimension.source == "header":
            text = canonical_text(dimension, value)
            if text:
                parts.headers[dimension.field.lower()] = text
        else:
            parts.cookies[dimension.field] = value
        if dimension.source == "language":
            parts.headers["accept-language"] = value
    if context:
        parts.cookies[CONTEXT_COOKIE] = seal_context(conf.keyring, "", context)
    if not settings.CSRF_USE_SESSIONS:
        parts.cookies[settings.CSRF_COOKIE_NAME] = sentinels(conf.keyring)[0]
    return parts


def canonical_text(dimension: Dimension, value: str) -> str:
    """What a header dimension's field holds in a first pass; empty for the default."""
    if not dimension.matches:
        return value
    for text, found in dimension.matches:
        if found == value:
            return text
    return ""


def cookie_fields(dimensions: Iterable[Dimension]) -> frozenset[str]:
    """The cookies that these dimensions are read from."""
    dimensions = tuple(dimensions)
    names = {item.field for item in dimensions if item.source in ("cookie", "language", "bucket")}
    if any(item.source == "context" for item in dimensions):
        names.add(CONTEXT_COOKIE)
    return frozenset(names)


def dimension(request: HttpRequest, name: str) -> str:
    """The visitor's value, always one of those declared in TWOPASS['DIMENSIONS'].

    A page for everybody must have declared the dimension: there it fires the guard otherwise. In a
    fragment an undeclared one becomes part of its key, as any cookie or field that it reads.
    Raises ImproperlyConfigured for a name that the project does not have.
    """
    conf = get_settings()
    if name not in conf.dimensions:
        known = ", ".join(sorted(conf.dimensions)) or "none"
        raise ImproperlyConfigured(f"there is no dimension {name!r}; there are: {known}")
    state = passes.of(request)
    if state is not None and name in state.values:
        return state.values[name]
    if state is not None and state.kind is Pass.FIRST:
        refuse(request, state, f"dimension {name!r} (not among the page's dimensions)")
    return _value(request, name, conf)


def _value(request: HttpRequest, name: str, conf: Settings) -> str:
    """Reads what this one dimension needs and nothing else: in a fragment every read is noted."""
    wanted = conf.dimensions[name]
    cookies: dict[str, str] = {}
    headers: dict[str, str] = {}
    context: dict[str, str] = {}
    if wanted.source == "context":
        context = _context(request, conf)
    elif wanted.source == "header":
        headers[wanted.field.lower()] = request.headers.get(wanted.field, "")
    else:
        found = request.COOKIES.get(wanted.field)
        cookies = {} if found is None else {wanted.field: found}
    if wanted.source == "language":
        headers["accept-language"] = request.headers.get("Accept-Language", "")
    return wanted.reduce(cookies, headers, context) or wanted.default


def _context(request: HttpRequest, conf: Settings) -> dict[str, str]:
    session = request.COOKIES.get(settings.SESSION_COOKIE_NAME, "")
    return open_context(conf.keyring, session, request.COOKIES.get(CONTEXT_COOKIE, ""))
