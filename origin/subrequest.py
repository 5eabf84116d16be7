"""Requests made from requests: the stripped one of a first pass, and a page's GET from a bundle.

Both are built from what the server handed over (environ or ASGI scope), never by removing things
from a request that middleware has already seen.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, cast
from urllib.parse import unquote_to_bytes, urlsplit

from django.conf import settings
from django.core.handlers.asgi import ASGIRequest
from django.core.handlers.wsgi import WSGIRequest
from django.http import HttpRequest, parse_cookie

from fragments.headers import INTERNAL_PREFIX, SURROGATE_FIELD

ADDRESSING: Final = frozenset(
    {"host", "x-forwarded-proto", "x-forwarded-host", "x-forwarded-port", "forwarded-proto"}
)
"""Fields that say which site was asked for; they are the same for every visitor of a page."""

_NEVER_IN_PAGES: Final = frozenset(
    {
        "accept-encoding",
        "authorization",
        "content-encoding",
        "content-length",
        "content-type",
        "if-match",
        "if-modified-since",
        "if-none-match",
        "if-range",
        "if-unmodified-since",
        "range",
        "surrogate-capability",
        "transfer-encoding",
        SURROGATE_FIELD.lower(),
    }
)
"""What a page's GET must not carry over: the POST's own fields, conditions, and credentials that
fragments are never rendered under."""

_ENVIRON: Final = (
    "SCRIPT_NAME",
    "SERVER_NAME",
    "SERVER_PORT",
    "SERVER_PROTOCOL",
    "SERVER_SOFTWARE",
    "GATEWAY_INTERFACE",
)
_CLIENT_ENVIRON: Final = ("AUTH_TYPE", "REMOTE_HOST", "REMOTE_IDENT", "REMOTE_PORT", "REMOTE_USER")
"""Who sent the request, as the server found out (RFC 3875 §4.1)."""
_CLIENT_PREFIX: Final = "SSL_"
"""Of what the server says of the connection, the client's certificate included (mod_ssl)."""

_SCOPE: Final = ("type", "asgi", "http_version", "root_path", "server")
"""What an ASGI scope says of server and connection. Everything else may be a visitor's: `user` and
`session` of ASGI middleware, `state`, the certificate among the `extensions`."""
NOBODY_ADDRESS: Final = "0.0.0.0"  # noqa: S104  # the unspecified address: nothing is bound to it


@dataclass(frozen=True, slots=True)
class Target:
    """What is asked for: decoded `path` bytes (without script name), raw query, optional site."""

    path: bytes
    query: str
    scheme: str | None = None
    host: str | None = None

    @classmethod
    def of(cls, request: HttpRequest) -> Target:
        """The target of `request` itself."""
        query = str(request.META.get("QUERY_STRING", ""))
        if isinstance(request, ASGIRequest):
            return cls(request.path_info.encode(), query)
        return cls(str(request.META["PATH_INFO"]).encode("utf-8", "surrogateescape"), query)

    @classmethod
    def of_url(cls, url: str, script_name: str = "") -> Target:
        """The target of an absolute URL. Raises ValueError for one that is not http or https."""
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.netloc or "@" in parts.netloc:
            raise ValueError(f"{url!r} is not an absolute http or https URL")
        path = unquote_to_bytes(parts.path or "/")
        prefix = script_name.rstrip("/").encode()
        return cls(path.removeprefix(prefix) or b"/", parts.query, parts.scheme, parts.netloc)


@dataclass(slots=True)
class Parts:
    """Fields (lower-case names) and cookies that a new request is to carry."""

    headers: dict[str, str] = field(default_factory=dict)
    cookies: dict[str, str] = field(default_factory=dict)


def headers_of(request: HttpRequest) -> dict[str, str]:
    """The fields of `request` by lower-case name."""
    return {name.lower(): value for name, value in request.headers.items()}


def cookies_of(request: HttpRequest) -> dict[str, str]:
    """The cookies as they came, unseen by any wrapper."""
    raw = str(request.META.get("HTTP_COOKIE", ""))
    if not isinstance(request, ASGIRequest):  # WSGI hands bytes over as latin-1 (PEP 3333)
        raw = raw.encode("latin-1", "replace").decode("utf-8", "replace")
    return parse_cookie(raw)


def addressing_of(request: HttpRequest) -> dict[str, str]:
    """The fields of `request` that say which site it is for, as far as Django heeds them.

    One that it does not heed is a visitor's word, and must not reach a page for everybody; nor must
    the letter case in which a visitor wrote the host.
    """
    names = {"host"}
    if settings.USE_X_FORWARDED_HOST:
        names.add("x-forwarded-host")
    if settings.USE_X_FORWARDED_PORT:
        names.add("x-forwarded-port")
    if settings.SECURE_PROXY_SSL_HEADER:
        names.add(_proxy_field())
    found = {name: value for name, value in headers_of(request).items() if name in names}
    hosts = {name: found[name].lower() for name in ("host", "x-forwarded-host") if name in found}
    return {**found, **hosts}


def own_parts(request: HttpRequest) -> Parts:
    """What a page's GET for the sender of `request` carries: their own fields and cookies."""
    headers = {
        name: value
        for name, value in headers_of(request).items()
        if name not in _NEVER_IN_PAGES and name != "cookie" and not name.startswith(INTERNAL_PREFIX)
    }
    return Parts(headers, cookies_of(request))


def build(
    request: HttpRequest, target: Target, parts: Parts, *, anonymous: bool = False
) -> HttpRequest:
    """A GET of `target` over the connection of `request`, carrying nothing but `parts`.

    `anonymous`: without the client's address.
    """
    parts = _with_site(target, parts)
    if isinstance(request, ASGIRequest):
        built: HttpRequest = _build_asgi(request, target, parts, anonymous)
    else:
        built = _build_wsgi(cast(WSGIRequest, request), target, parts, anonymous)
    if getattr(request, "_dont_enforce_csrf_checks", False):
        built._dont_enforce_csrf_checks = True  # type: ignore[attr-defined]  # Django's test client
    return built


def again(request: HttpRequest, *, cookies: Mapping[str, str] | None = None) -> HttpRequest:
    """The same GET once more, untouched by the middleware that saw `request`."""
    parts = Parts(
        {name: value for name, value in headers_of(request).items() if name != "cookie"},
        cookies_of(request) if cookies is None else dict(cookies),
    )
    return build(request, Target.of(request), parts)


def adopt(request: HttpRequest, sub: HttpRequest) -> None:
    """Let `request` have what middleware has put on `sub`, for who looks at it afterwards.

    Django's test client shows the request that it sent; loggers and the server have that one too.
    """
    for name, value in sub.__dict__.items():
        if not name.startswith("_") and name not in request.__dict__:
            request.__dict__[name] = value
    if request.resolver_match is None:
        request.resolver_match = sub.resolver_match


def drop_internal_fields(request: HttpRequest) -> None:
    """Take away what edge and origin say to each other: it is not the visitor's."""
    prefix = "HTTP_" + INTERNAL_PREFIX.upper().replace("-", "_")
    own = {"HTTP_SURROGATE_CAPABILITY", "HTTP_" + SURROGATE_FIELD.upper().replace("-", "_")}
    for key in [key for key in request.META if key.startswith(prefix) or key in own]:
        del request.META[key]
    request.__dict__.pop("headers", None)  # cached from META
    if isinstance(request, ASGIRequest):
        kept = [(name, value) for name, value in request.scope["headers"] if not _is_internal(name)]
        request.scope = {**request.scope, "headers": kept}


def narrow_query(
    request: HttpRequest, declared: Iterable[str] | None, ignorable: Iterable[str]
) -> None:
    """Let `request` show only the parameters that a first pass of this page would see."""
    query = filter_query(str(request.META.get("QUERY_STRING", "")), declared, ignorable)
    request.META["QUERY_STRING"] = query
    request.__dict__.pop("GET", None)  # cached from META


def filter_query(query: str, declared: Iterable[str] | None, ignorable: Iterable[str]) -> str:
    """`query` without the ignorable parameters or, when some are declared, with those alone."""
    if not query:
        return query
    wanted = None if declared is None else set(declared)
    exact = {name for name in ignorable if not name.endswith("*")}
    prefixes = tuple(name[:-1] for name in ignorable if name.endswith("*"))
    kept = []
    for pair in query.split("&"):
        raw = pair.partition("=")[0].replace("+", " ")
        name = unquote_to_bytes(raw).decode("utf-8", "replace")
        if wanted is not None:
            keep = name in wanted
        else:
            keep = name not in exact and not (prefixes and name.startswith(prefixes))
        if keep and pair:
            kept.append(pair)
    return "&".join(kept)


def _is_internal(name: bytes) -> bool:
    text = name.decode("latin-1").lower()
    return text.startswith(INTERNAL_PREFIX) or text in (
        "surrogate-capability",
        SURROGATE_FIELD.lower(),
    )


def _with_site(target: Target, parts: Parts) -> Parts:
    headers = dict(parts.headers)
    if target.host is not None:
        headers["host"] = target.host
    if target.scheme is not None and settings.SECURE_PROXY_SSL_HEADER:
        headers.pop(_proxy_field(), None)
        if target.scheme == "https":
            headers[_proxy_field()] = settings.SECURE_PROXY_SSL_HEADER[1]
    return Parts(headers, parts.cookies)


def _proxy_field() -> str:
    name = cast("tuple[str, str]", settings.SECURE_PROXY_SSL_HEADER)[0]
    return name.removeprefix("HTTP_").replace("_", "-").lower()


def _build_wsgi(request: WSGIRequest, target: Target, parts: Parts, anonymous: bool) -> WSGIRequest:
    given: dict[str, Any] = request.META
    environ: dict[str, Any] = {name: given[name] for name in _ENVIRON if name in given}
    environ.update({name: value for name, value in given.items() if name.startswith("wsgi.")})
    if not anonymous:
        environ.update({name: value for name, value in given.items() if _is_of_client(name)})
    environ.update(
        {
            "REQUEST_METHOD": "GET",
            "PATH_INFO": target.path.decode("latin-1"),
            "QUERY_STRING": target.query,
            "CONTENT_LENGTH": "",
            "wsgi.input": io.BytesIO(),
            "REMOTE_ADDR": NOBODY_ADDRESS if anonymous else given.get("REMOTE_ADDR", ""),
        }
    )
    if target.scheme is not None:
        environ["wsgi.url_scheme"] = target.scheme
    for name, value in parts.headers.items():
        environ["HTTP_" + name.upper().replace("-", "_")] = value
    if parts.cookies:
        raw = _cookie_header(parts.cookies).encode("utf-8", "replace")
        environ["HTTP_COOKIE"] = raw.decode("latin-1")
    return type(request)(environ)


def _is_of_client(name: str) -> bool:
    return name in _CLIENT_ENVIRON or name.startswith(_CLIENT_PREFIX)


def _build_asgi(request: ASGIRequest, target: Target, parts: Parts, anonymous: bool) -> ASGIRequest:
    prefix = request.scope.get("root_path", "") or ""
    path = target.path.decode("utf-8", "replace")
    headers = [
        (name.encode("latin-1"), value.encode("latin-1", "replace"))
        for name, value in parts.headers.items()
    ]
    if parts.cookies:
        headers.append((b"cookie", _cookie_header(parts.cookies).encode("latin-1", "replace")))
    given: Mapping[str, Any] = request.scope
    if anonymous:
        given = {name: given[name] for name in _SCOPE if name in given}
    scope = {
        **given,
        "method": "GET",
        "path": prefix + path,
        "raw_path": prefix.encode() + target.path,
        "query_string": target.query.encode("latin-1", "replace"),
        "headers": headers,
        "client": (NOBODY_ADDRESS, 0) if anonymous else request.scope.get("client"),
        "scheme": target.scheme or request.scope.get("scheme", "http"),
    }
    return type(request)(scope, io.BytesIO())


def _cookie_header(cookies: Mapping[str, str]) -> str:
    return "; ".join(f"{name}={_quoted(value)}" for name, value in cookies.items())


def _quoted(value: str) -> str:
    # parse_cookie unquotes, so what holds a separator or a quote must be quoted again
    if not any(char in value for char in '";,\\ ') and value.isprintable():
        return value
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"').replace(";", "\\073") + '"'
