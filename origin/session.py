"""The session in a second pass: read once before the head, read-only once the head has left."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, NoReturn

from django.conf import settings
from django.contrib.sessions.backends.base import SessionBase
from django.http import HttpRequest

from fragments.bundle import SessionState

from .subrequest import cookies_of


class ReadOnlySession(Exception):
    """A fragment wrote to the session, or used up messages, after the head had left."""


_WRITERS: Final = frozenset(
    {
        "setdefault",
        "pop",
        "update",
        "clear",
        "flush",
        "cycle_key",
        "create",
        "save",
        "delete",
        "set_expiry",
        "set_test_cookie",
        "delete_test_cookie",
        "aset",
        "asetdefault",
        "apop",
        "aupdate",
        "aflush",
        "acycle_key",
        "acreate",
        "asave",
        "adelete",
        "aset_expiry",
        "aset_test_cookie",
        "adelete_test_cookie",
    }
)


class ReadOnly:
    """The visitor's session, shared by all fragments of a bundle; whoever writes is told."""

    def __init__(self, session: SessionBase) -> None:
        object.__setattr__(self, "_real", session)

    def __getattr__(self, name: str) -> Any:
        if name in _WRITERS:
            _refuse(f"session.{name}()")
        return getattr(object.__getattribute__(self, "_real"), name)

    def __setattr__(self, name: str, value: object) -> None:
        if name == "accessed":
            return
        _refuse(f"session.{name} = …")

    def __getitem__(self, key: str) -> Any:
        return self.__getattr__("__getitem__")(key)

    def __contains__(self, key: str) -> bool:
        return bool(self.__getattr__("__contains__")(key))

    def __setitem__(self, key: str, value: object) -> None:
        _refuse(f"session[{key!r}] = …")

    def __delitem__(self, key: str) -> None:
        _refuse(f"del session[{key!r}]")


class ReadOnlyMessages:
    """Messages in a fragment that may not use them up."""

    def __iter__(self) -> Iterator[Any]:
        _refuse("messages")

    def __len__(self) -> int:
        _refuse("messages")

    def add(self, level: int, message: str, extra_tags: str = "") -> None:
        """Refused: nothing would keep it."""
        _refuse("messages.add()")


def _refuse(what: str) -> NoReturn:
    raise ReadOnlySession(
        f"{what} in a fragment whose head has left: nothing can be saved any more. "
        "Declare it @fragment(…, writes=True), or move the writing into a view"
    )


@dataclass(frozen=True, slots=True)
class SessionFacts:
    """What a bundle's head says of the session. `age`: seconds until it ends."""

    state: SessionState
    age: float | None = None
    groups: tuple[str, ...] = ()


def read_session(request: HttpRequest) -> SessionFacts:
    """Read session and user, once, before the head.

    Django's look at the user may end the session (password changed elsewhere), which needs a
    Set-Cookie. A visitor without a session cookie costs nothing.
    """
    session: SessionBase | None = getattr(request, "session", None)
    if session is None or not cookies_of(request).get(settings.SESSION_COOKIE_NAME):
        return SessionFacts("none")
    session.get("_twopass")  # loads: only then is it known whether the key names a session
    user = getattr(request, "user", None)
    if user is not None and user.is_authenticated:
        # what async code asks for, so that it need not query again
        request._acached_user = request._cached_user = _unwrapped(user)  # type: ignore[attr-defined]
    groups = (f"user:{user.pk}",) if user is not None and user.is_authenticated else ()
    if session.session_key is None or session.is_empty() or not session.keys():
        return SessionFacts("unknown")
    return SessionFacts("valid", max(0.0, float(session.get_expiry_age())), groups)


def _unwrapped(user: Any) -> Any:
    """The user behind Django's lazy object, which has been evaluated."""
    return getattr(user, "_wrapped", user)
