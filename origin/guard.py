"""The first pass's guard: whoever evaluates a visitor in a page for nobody is told where.

Touching is free, since Django's own context processors touch `user` on every page; evaluating
fires: a truth test or an attribute of the user, a session key, a look at messages, a cookie that
is no dimension.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any, Final, NoReturn

from django.contrib.sessions.backends.base import SessionBase
from django.http import HttpRequest
from django.middleware.csrf import CSRF_SESSION_KEY
from django.utils.functional import SimpleLazyObject

from . import counters, location
from .passes import TwoPass
from .plain_copy import plain_copy

logger = logging.getLogger("twopass.guard")

_ABSENT: Final = object()


class FirstPassViolation(Exception):
    """Something looked at the visitor while a page (or public fragment) was rendered for nobody."""


class Guard:
    """Stands in for user, session, messages and cookies of one request until `disarm`.

    `allowed`: cookies that may be read. `sentinel`: the CSRF secret to show instead of one.
    """

    def __init__(
        self, request: HttpRequest, state: TwoPass, allowed: frozenset[str], sentinel: str
    ) -> None:
        self._request = request
        self._state = state
        self._allowed = allowed
        self._sentinel = sentinel
        self._saved: dict[str, object] = {}

    def arm(self) -> None:
        """Put the stand-ins in place of what is there."""
        present = self._request.__dict__
        if "session" in present:
            self._put("session", GuardedSession(self))
        if "user" in present:
            self._put("user", SimpleLazyObject(lambda: self.fire("request.user")))
        if "auser" in present:
            self._put("auser", self._auser)
        if "_messages" in present:
            self._put("_messages", GuardedMessages(self))
        self._put("COOKIES", GuardedCookies(self._request.COOKIES, self, self._allowed))

    def disarm(self) -> None:
        """Give back what was there, so that middleware behind the view finds it untouched."""
        for name, value in self._saved.items():
            if value is _ABSENT:
                self._request.__dict__.pop(name, None)
            else:
                self._request.__dict__[name] = value
        self._saved.clear()

    def fire(self, what: str) -> NoReturn:
        """Record that `what` was evaluated, and raise FirstPassViolation."""
        refuse(self._request, self._state, what)

    @property
    def sentinel(self) -> str:
        """The CSRF secret that stands for every visitor's."""
        return self._sentinel

    def _put(self, name: str, value: object) -> None:
        self._saved[name] = self._request.__dict__.get(name, _ABSENT)
        self._request.__dict__[name] = value

    async def _auser(self) -> NoReturn:
        self.fire("request.auser()")


def refuse(request: HttpRequest, state: TwoPass, what: str) -> NoReturn:
    """Record that `what` of the visitor was evaluated in a page for nobody, and raise."""
    place = location.describe()
    violation = FirstPassViolation(
        f"{what} was evaluated while {request.path} was rendered for nobody"
        + (f": {place}. " if place else ". ")
        + "What differs by visitor goes between {% second_pass %} and {% endsecond_pass %} or "
        "into a {% fragment %}; what decides who may see the page is a gate=…; a cookie that "
        "selects one of few variants is a dimension."
    )
    if state.violation is None:
        counters.count("guard", f"{what} {place}".strip())
        logger.warning("%s", violation, extra={"what": what, "place": place})
    # templates swallow exceptions in {% if a and b %}: the record is what counts
    state.violation = state.violation or violation
    state.give_up("guard")
    raise violation


class GuardedSession(SessionBase):
    """A session that has no data and tells who asks."""

    def __init__(self, guard: Guard) -> None:
        super().__init__(None)
        self._guard = guard

    def __getitem__(self, key: str) -> Any:
        if key != CSRF_SESSION_KEY:
            self._guard.fire(f"request.session[{key!r}]")
        return self._guard.sentinel

    def __setitem__(self, key: str, value: object) -> None:
        if key != CSRF_SESSION_KEY:
            self._guard.fire(f"request.session[{key!r}] = …")

    def get(self, key: str, default: object = None) -> Any:
        """The sentinel for the CSRF secret; fires for any other key."""
        if key != CSRF_SESSION_KEY:
            self._guard.fire(f"request.session.get({key!r})")
        return self._guard.sentinel

    def _get_session(self, no_load: bool = False) -> dict[str, Any]:
        self._guard.fire("request.session")

    @property
    def _session(self) -> dict[str, Any]:
        self._guard.fire("request.session")

    @property
    def session_key(self) -> str | None:
        """Fires."""
        self._guard.fire("request.session.session_key")

    def save(self, must_create: bool = False) -> None:
        """Fires."""
        self._guard.fire("request.session.save()")

    def create(self) -> None:
        """Fires."""
        self._guard.fire("request.session.create()")

    def load(self) -> dict[str, Any]:
        """Fires."""
        self._guard.fire("request.session.load()")

    def delete(self, session_key: str | None = None) -> None:
        """Fires."""
        self._guard.fire("request.session.delete()")

    def exists(self, session_key: str) -> bool:
        """Fires."""
        self._guard.fire("request.session.exists()")

    def flush(self) -> None:
        """Fires."""
        self._guard.fire("request.session.flush()")

    def cycle_key(self) -> None:
        """Fires."""
        self._guard.fire("request.session.cycle_key()")


class GuardedMessages:
    """Messages that nobody has; adding one would lose it."""

    def __init__(self, guard: Guard) -> None:
        self._guard = guard

    def __iter__(self) -> Iterator[Any]:
        self._guard.fire("messages")

    def __len__(self) -> int:
        self._guard.fire("messages")

    def __bool__(self) -> bool:
        self._guard.fire("messages")

    def __contains__(self, item: object) -> bool:
        self._guard.fire("messages")

    def add(self, level: int, message: str, extra_tags: str = "") -> None:
        """Fires: in a page for nobody there is nobody to read it."""
        self._guard.fire("messages.add()")


class GuardedCookies(dict[str, str]):
    """The dimensions' cookies; any other name fires, even when no such cookie came."""

    def __init__(self, cookies: dict[str, str], guard: Guard, allowed: frozenset[str]) -> None:
        super().__init__(plain_copy(cookies))  # guarding is no reading
        self._guard = guard
        self._allowed = allowed

    def _check(self, name: object) -> None:
        if name not in self._allowed:
            self._guard.fire(f"request.COOKIES[{name!r}]")

    def __getitem__(self, name: str) -> str:
        self._check(name)
        return super().__getitem__(name)

    def __contains__(self, name: object) -> bool:
        self._check(name)
        return super().__contains__(name)

    def get(self, name: str, default: Any = None) -> Any:
        """The value of an allowed cookie; fires for any other name."""
        self._check(name)
        return super().get(name, default)

    def __iter__(self) -> Iterator[str]:
        self._guard.fire("request.COOKIES")

    def __len__(self) -> int:
        # also what `if request.COOKIES` asks
        self._guard.fire("request.COOKIES")

    def copy(self) -> dict[str, str]:
        """Fires: all cookies are a visitor's."""
        self._guard.fire("request.COOKIES")

    def keys(self) -> Any:
        """Fires: all cookies are a visitor's."""
        self._guard.fire("request.COOKIES")

    def items(self) -> Any:
        """Fires: all cookies are a visitor's."""
        self._guard.fire("request.COOKIES")

    def values(self) -> Any:
        """Fires: all cookies are a visitor's."""
        self._guard.fire("request.COOKIES")
