"""The visitor epoch: a cookie of the edge's own that makes a visitor's fragments new at once."""

from __future__ import annotations

import re
from collections.abc import Callable

from edge.core import cookies
from edge.core.messages import Field, Headers, first
from edge.core.visitor import EPOCH_BYTES, epoch_from_bytes
from fragments.headers import KEEPS_FRAGMENTS
from fragments.manifest import CookieSpec

_TRUE = re.compile(rb"[ \t]*\?1(?:[ \t;]|\Z)")
"""The Boolean true of Structured Fields (RFC 9651 §3.3.6), parameters ignored."""

SPEC = CookieSpec(cookies.EPOCH, path="/", httponly=True, samesite="Lax")


def fresh(rng: Callable[[int], bytes]) -> str:
    """A new epoch."""
    return epoch_from_bytes(rng(EPOCH_BYTES))


def field(epoch: str, scheme: bytes) -> Field:
    """The Set-Cookie that gives it to the visitor."""
    return cookies.set_cookie(SPEC, epoch, secure=scheme == b"https")


def is_over(is_unsafe: bool, response: Headers, session_cookie: str | None) -> bool:
    """Whether this answer begins a new epoch: an unsafe request's, or one that sets the session.

    Answers of views that keep fragments (beacons) do not, unless they set the session.
    """
    if session_cookie is not None and session_cookie in cookies.names_set(response):
        return True
    keeps = first(response, KEEPS_FRAGMENTS.lower().encode())
    return is_unsafe and not (keeps is not None and _TRUE.match(keeps))
