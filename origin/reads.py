"""What a fragment reads of the visitor's request: it becomes part of its key, as with Vary."""

from __future__ import annotations

import functools
import sys
from collections.abc import Iterator, Mapping
from typing import Any, Final

from django.conf import settings
from django.http import HttpRequest
from django.http.request import HttpHeaders

from fragments.bundle import Reads

from . import current_app
from .middleware_reads import MiddlewareReads
from .plain_copy import plain_copy
from .subrequest import ADDRESSING
from .tracked_dict import TrackedDict

_NOT_THE_VISITORS: Final = ADDRESSING | {"cookie"}
"""Fields that say nothing of the visitor, and the one whose parts are recorded one by one."""

_URL_PROPERTIES: Final = ("path", "path_info", "GET", "resolver_match")
_URL_KEYS: Final = frozenset({"PATH_INFO", "QUERY_STRING", "REQUEST_URI", "RAW_URI"})
_ADDRESS_KEYS: Final = frozenset({"REMOTE_ADDR", "REMOTE_HOST", "REMOTE_PORT"})


class ReadLog:
    """What was read so far. `everything`: more than a key could hold, so nothing may be kept."""

    def __init__(self, exempt_cookies: frozenset[str] = frozenset()) -> None:
        self._exempt = exempt_cookies | {settings.SESSION_COOKIE_NAME}
        self._cookies: dict[str, None] = {}
        self._headers: dict[str, None] = {}
        self.url = False
        self.everything = False

    def cookie(self, name: str) -> None:
        """Record a cookie; the session's is in every private key already."""
        if name not in self._exempt:
            self._cookies[name] = None

    def header(self, name: str) -> None:
        """Record a header field."""
        lowered = name.lower()
        if lowered not in _NOT_THE_VISITORS and lowered != _proxy_field():
            self._headers[lowered] = None

    def meta(self, key: str) -> None:
        """Record a key of `request.META`."""
        if key == "HTTP_COOKIE" or (key in _ADDRESS_KEYS and not _is_debug_processor()):
            self.everything = True
        elif key in _URL_KEYS:
            self.url = True
        elif key.startswith("HTTP_"):
            self.header(key[5:].replace("_", "-"))

    def add_middleware(self, seen: MiddlewareReads, *, with_cookies: bool) -> None:
        """Add what the stack read; without cookies where the request carried nobody's."""
        self.url = self.url or seen.query
        if with_cookies:
            for name in seen.cookies:
                self.cookie(name)

    def merge(self, other: ReadLog) -> None:
        """Add what a nested fragment read."""
        self._cookies.update(other._cookies)
        self._headers.update(other._headers)
        self.url = self.url or other.url
        self.everything = self.everything or other.everything

    def as_reads(self) -> Reads:
        """The wire form, in stable order."""
        return Reads(tuple(sorted(self._cookies)), tuple(sorted(self._headers)), self.url)


def track(
    request: HttpRequest, log: ReadLog, meta: Mapping[str, Any], cookies: Mapping[str, str]
) -> HttpRequest:
    """A view of `request` for one fragment: same session and user, its reads go to `log`.

    `meta` and `cookies` are what the fragment sees of them.
    """
    kind: type[HttpRequest] = _tracked_class(type(request))  # type: ignore[arg-type]  # a class hashes
    tracked = kind.__new__(kind)  # what copy.copy does, without asking how requests are pickled

    def read_all() -> None:
        log.everything = True

    fields = tracked.__dict__
    fields.update(request.__dict__)
    fields["_twopass_log"] = log
    fields.pop("headers", None)  # a cached property over META: it must see the tracked one
    fields["META"] = TrackedDict(meta, log.meta, read_all)
    if "environ" in fields:
        fields["environ"] = fields["META"]
    fields["COOKIES"] = TrackedDict(cookies, log.cookie, read_all)
    current_app.settle(tracked, getattr(request, "urlconf", None))
    return tracked


class _TrackedHeaders(Mapping[str, str]):
    """`request.headers`, recorded."""

    def __init__(self, headers: Mapping[str, str], log: ReadLog) -> None:
        self._headers = headers
        self._log = log

    def __getitem__(self, name: str) -> str:
        # templates write {{ request.headers.user_agent }}
        self._log.header(name.replace("_", "-"))
        return self._headers[name]

    def __iter__(self) -> Iterator[str]:
        self._log.everything = True
        return iter(self._headers)

    def __len__(self) -> int:
        return len(self._headers)


@functools.cache
def _tracked_class(base: type[HttpRequest]) -> type[HttpRequest]:
    namespace: dict[str, Any] = {name: _url_property(base, name) for name in _URL_PROPERTIES}
    namespace["headers"] = property(_headers)
    namespace["__module__"] = base.__module__
    return type(f"Tracked{base.__name__}", (base,), namespace)


def _headers(request: HttpRequest) -> _TrackedHeaders:
    log: ReadLog = request.__dict__["_twopass_log"]
    # a plain copy of META, so that building the mapping is no read
    return _TrackedHeaders(HttpHeaders(plain_copy(request.META)), log)


def _url_property(base: type[HttpRequest], name: str) -> property:
    inherited = getattr(base, name, None)

    def read(request: HttpRequest) -> Any:
        log: ReadLog = request.__dict__["_twopass_log"]
        log.url = True
        if name not in request.__dict__ and inherited is not None:
            function = getattr(inherited, "func", None) or inherited.fget
            request.__dict__[name] = function(request)
        return request.__dict__[name]

    def write(request: HttpRequest, value: object) -> None:
        request.__dict__[name] = value

    return property(read, write)


def _proxy_field() -> str:
    header = settings.SECURE_PROXY_SSL_HEADER
    return header[0].removeprefix("HTTP_").replace("_", "-").lower() if header else ""


def _is_debug_processor() -> bool:
    # asks for the address on every page while DEBUG is on, and prints nothing of it
    frame: Any = sys._getframe(2)
    while frame is not None and frame.f_globals.get("__name__") == __name__:
        frame = frame.f_back
    name = frame.f_globals.get("__name__") if frame is not None else None
    return name == "django.template.context_processors"
