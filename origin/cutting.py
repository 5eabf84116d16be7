"""Rendered text cut into literals and holes: markers and the sentinel's CSRF tokens."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from django.conf import settings
from django.http import HttpResponse, HttpResponseBase

from fragments.csrf import TOKEN_LENGTH, CsrfHole, looks_like_field, split_tokens
from fragments.include import Include, has_marker, split_markers
from fragments.shell import NONCE, FragmentHole, Part

from . import rendering
from .conf import Settings
from .csrf import CSRF_FRAGMENT, sentinels
from .registry import UnknownFragment


def cut(text: bytes, conf: Settings) -> tuple[Part, ...]:
    """`text` as parts, in order; an empty text has none."""
    if len(text) < TOKEN_LENGTH and not has_marker(text):  # most header fields
        return (text,) if text else ()
    parts: list[Part] = []
    for part in split_markers(text, conf.keyring):
        if isinstance(part, bytes):
            parts.extend(_cut_tokens(part, conf))
        elif part[1].kind == "nonce":
            parts.append(NONCE)
        else:
            parts.append(hole_for(part[0], part[1], conf))
    return tuple(parts)


def has_holes(text: bytes, conf: Settings) -> bool:
    """Whether `cut` would find any hole; cheap for the many texts that have none."""
    if has_marker(text) and any(not isinstance(part, bytes) for part in cut(text, conf)):
        return True
    return len(split_tokens(text, sentinels(conf.keyring))) > 1


def is_page_with_holes(response: HttpResponseBase, conf: Settings) -> bool:
    """Whether this is some page's text with holes: where frames are due, a cache has answered."""
    return isinstance(response, HttpResponse) and has_holes(response.content, conf)


def has_stray_token(parts: Iterable[Part]) -> bool:
    """Whether a literal holds what looks like somebody's own CSRF token."""
    return any(isinstance(part, bytes) and looks_like_field(part) for part in parts)


def hole_for(token: bytes, include: Include, conf: Settings) -> FragmentHole:
    """The hole for an include, with what its fragment declares.

    An include that this release does not know becomes a hole that nobody fills.
    """
    try:
        options = rendering.find(include).options
    except UnknownFragment:
        return FragmentHole(token, scope="no-store")
    alt = None
    if options.alt is not None:
        alt = Include("fragment", options.alt, include.args).token(conf.keyring)
    return FragmentHole(
        token=token,
        scope=options.scope,
        dimensions=options.dimensions,
        cookies=options.cookies,
        when_cookies=options.when_cookies,
        writes=options.writes,
        deadline=options.deadline,
        alt=alt,
        placeholder=options.placeholder.encode(),
    )


def _cut_tokens(text: bytes, conf: Settings) -> Iterator[Part]:
    for part in split_tokens(text, sentinels(conf.keyring)):
        if isinstance(part, CsrfHole) and settings.CSRF_USE_SESSIONS:
            include = Include("fragment", CSRF_FRAGMENT)
            yield hole_for(include.token(conf.keyring), include, conf)
        else:
            yield part
