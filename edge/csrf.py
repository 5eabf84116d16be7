"""CSRF at the edge: the visitor's secret, or a new one, and one masked token per response."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property

from edge.core import cookies
from edge.core.messages import Field
from fragments.csrf import SECRET_LENGTH, mask, secret_from_bytes, unmask
from fragments.manifest import CookieSpec


class Csrf:
    """What one response's CSRF holes are filled with.

    `minted`: the visitor had no secret, so `field` must go out and the bundle must be told.
    """

    def __init__(
        self, spec: CookieSpec, secret: str, rng: Callable[[int], bytes], *, minted: bool
    ) -> None:
        self.spec = spec
        self.secret = secret
        self.minted = minted
        self._rng = rng

    @cached_property
    def token(self) -> bytes:
        """The one masked token of this response, made when the first hole asks for it."""
        return mask(self.secret, self._rng(SECRET_LENGTH))

    @property
    def field(self) -> Field | None:
        """The Set-Cookie for a minted secret."""
        return cookies.set_cookie(self.spec, self.secret) if self.minted else None


def csrf_for(
    spec: CookieSpec,
    visitor_cookies: Mapping[str, str],
    rng: Callable[[int], bytes],
    *,
    mints: bool,
) -> Csrf | None:
    """With the visitor's secret if their cookie holds one (masked cookies of Django < 4.1 too).

    A cookie that Django would throw away is replaced, as Django does. None where there is no
    secret and `mints` does not ask for one.
    """
    cookie = visitor_cookies.get(spec.name)
    secret = unmask(cookie) if cookie else None
    if secret is not None:
        return Csrf(spec, secret, rng, minted=False)
    if not mints:
        return None
    return Csrf(spec, secret_from_bytes(rng(SECRET_LENGTH)), rng, minted=True)
