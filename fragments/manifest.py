"""The manifest: what the origin tells the edge beforehand, at `GET /_twopass/manifest`.

Its routes are a hint: they save the first question about an unknown URL, and are never trusted to
say what a response is.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from .codec import Fields, pack, unpack
from .dimensions import Dimension
from .errors import WireError
from .signing import Keyring

VERSION: Final = 1
CONTENT_TYPE: Final = "application/vnd.twopass.manifest+msgpack"
PATH: Final = "/_twopass/manifest"
BUNDLE_PATH: Final = "/_twopass/fragments"
INTERNAL_PREFIX: Final = "/_twopass/"
MAX_ROUTES: Final = 4096


@dataclass(frozen=True, slots=True)
class Route:
    """A two-pass route: an anchored regular expression over the path, and its pages' key."""

    pattern: str
    dimensions: tuple[str, ...] = ()
    query: tuple[str, ...] | None = None
    gate: bool = False


@dataclass(frozen=True, slots=True)
class CookieSpec:
    """How the project sets a cookie. `max_age` in seconds, None: until the browser closes."""

    name: str
    max_age: int | None = None
    domain: str | None = None
    path: str = "/"
    secure: bool = False
    httponly: bool = False
    samesite: str | None = "Lax"


@dataclass(frozen=True, slots=True)
class Manifest:
    """What the edge must know of a project.

    `csrf_cookie` is None where tokens live in the session. `ignorable_query`: names, or prefixes
    ending in `*`, that reach neither key nor view. `bypass_cookies`: a visitor who has one is
    passed. `varying_headers`: a request that has one which is no dimension is passed.
    """

    session_cookie: str
    csrf_cookie: CookieSpec | None
    dimensions: tuple[Dimension, ...] = ()
    routes: tuple[Route, ...] = ()
    ignorable_query: tuple[str, ...] = ()
    bypass_cookies: tuple[str, ...] = ()
    varying_headers: tuple[str, ...] = ()
    release: str = ""

    def encode(self, keyring: Keyring) -> bytes:
        """The sealed wire form."""
        document = {
            "v": VERSION,
            "session_cookie": self.session_cookie,
            "csrf_cookie": None if self.csrf_cookie is None else _cookie_to_wire(self.csrf_cookie),
            "dimensions": [dimension.to_wire() for dimension in self.dimensions],
            "routes": [_route_to_wire(route) for route in self.routes],
            "ignorable_query": list(self.ignorable_query),
            "bypass_cookies": list(self.bypass_cookies),
            "varying_headers": list(self.varying_headers),
            "release": self.release,
        }
        return keyring.seal("manifest", pack(document))

    @classmethod
    def decode(cls, data: bytes, keyring: Keyring) -> Manifest:
        """Raises WireError."""
        fields = Fields(unpack(keyring.open("manifest", data)), "manifest")
        fields.version(VERSION)
        routes = fields.items("routes")
        if len(routes) > MAX_ROUTES:
            raise WireError("size", f"a manifest has at most {MAX_ROUTES} routes")
        csrf = fields.optional("csrf_cookie", dict)
        return cls(
            session_cookie=fields.get("session_cookie", str),
            csrf_cookie=None if csrf is None else _cookie_from_wire(csrf),
            dimensions=tuple(Dimension.from_wire(item) for item in fields.items("dimensions")),
            routes=tuple(_route_from_wire(item) for item in routes),
            ignorable_query=fields.texts("ignorable_query"),
            bypass_cookies=fields.texts("bypass_cookies"),
            varying_headers=fields.texts("varying_headers"),
            release=fields.get("release", str),
        )


def _route_to_wire(route: Route) -> dict[str, object]:
    return {
        "pattern": route.pattern,
        "dimensions": list(route.dimensions),
        "query": None if route.query is None else list(route.query),
        "gate": route.gate,
    }


def _route_from_wire(item: object) -> Route:
    fields = Fields(item, "route")
    pattern = fields.get("pattern", str)
    try:
        re.compile(pattern)
    except re.error as error:
        raise WireError("type", f"route.pattern {pattern!r} is no regular expression") from error
    query = None if fields.optional("query", list) is None else fields.texts("query")
    return Route(pattern, fields.texts("dimensions"), query, fields.get("gate", bool))


def _cookie_to_wire(cookie: CookieSpec) -> dict[str, object]:
    return {
        "name": cookie.name,
        "max_age": cookie.max_age,
        "domain": cookie.domain,
        "path": cookie.path,
        "secure": cookie.secure,
        "httponly": cookie.httponly,
        "samesite": cookie.samesite,
    }


def _cookie_from_wire(item: object) -> CookieSpec:
    fields = Fields(item, "cookie")
    return CookieSpec(
        name=fields.get("name", str),
        max_age=fields.optional("max_age", int),
        domain=fields.optional("domain", str),
        path=fields.get("path", str),
        secure=fields.get("secure", bool),
        httponly=fields.get("httponly", bool),
        samesite=fields.optional("samesite", str),
    )
