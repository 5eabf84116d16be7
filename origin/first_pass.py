"""From a page rendered for nobody to a shell, or the reason why it cannot be one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from django.conf import settings
from django.http import HttpResponse, HttpResponseBase

from fragments.csrf import CSRF
from fragments.dimensions import Dimension
from fragments.headers import INTERNAL_PREFIX
from fragments.shell import MAX_HOLES, Part, Shell

from .conf import Settings
from .csrf import sentinels
from .cutting import cut, has_stray_token
from .headers_out import is_personal
from .passes import PageOptions, TwoPass

_DROPPED: Final = frozenset(
    {
        # of one message or hop only (RFC 9110 §7.6.1, §8.6), or made anew for each response
        "connection",
        "content-length",
        "date",
        "etag",
        "keep-alive",
        "proxy-authenticate",
        "server",
        "set-cookie",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "vary",
    }
)


CSRF_FIELD: Final = "twopass-csrf"
"""An internal field whose hole says that the page needs the CSRF cookie (ensure_csrf_cookie)."""


class UnfitPage(Exception):
    """A page that must be passed; `reason` is what the edge is told, the text is for logs."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason


def compile_shell(
    response: HttpResponseBase,
    page: PageOptions,
    state: TwoPass,
    dimensions: tuple[Dimension, ...],
    values: Mapping[str, str],
    conf: Settings,
) -> Shell:
    """The shell of `response`, which a first pass in `state` gave. Raises UnfitPage."""
    _check_outcome(response, state)
    if not isinstance(response, HttpResponse):
        raise UnfitPage("size", "a stream that is no text, or too long")
    _check(response, conf)
    _check_vary(response, dimensions, conf)
    body = cut(response.content, conf)
    if has_stray_token(body):
        raise UnfitPage("csrf", "a CSRF token that is not this request's stands in the page")
    shell = Shell(
        status=response.status_code,
        headers=_headers(response, state, body, conf),
        body=body,
        max_age=_strictest(_or(page.max_age, conf.max_age), state.max_age),
        stale_while_revalidate=_or(page.stale_while_revalidate, conf.stale_while_revalidate),
        stale_if_error=_or(page.stale_if_error, conf.stale_if_error),
        groups=tuple(state.groups),
        dimensions=dimensions,
        values=tuple((item.name, values[item.name]) for item in dimensions),
        query=page.query,
        gate=page.gate is not None,
        release=conf.release,
    )
    if len(shell.holes()) > MAX_HOLES:
        raise UnfitPage("size", f"{len(shell.holes())} different holes, at most {MAX_HOLES}")
    return shell


def _check_outcome(response: HttpResponseBase, state: TwoPass) -> None:
    if state.reason is not None:
        raise UnfitPage(state.reason, str(state.violation or "the first pass gave up"))
    if response.status_code >= 500:
        raise UnfitPage("error", f"the first pass ended in {response.status_code}")
    if response.status_code != 200:
        # a redirect to the login page, say, is an answer to nobody in particular
        raise UnfitPage("status", f"the first pass ended in {response.status_code}")


def _check(response: HttpResponse, conf: Settings) -> None:
    for name, morsel in response.cookies.items():
        known = sentinels(conf.keyring)
        if name != settings.CSRF_COOKIE_NAME or morsel.value not in known:
            raise UnfitPage("set-cookie", f"the first pass set cookie {name!r}")
    if response.has_header("Content-Encoding"):
        raise UnfitPage("error", "the first pass compressed its answer unasked")
    if len(response.content) > conf.max_shell:
        raise UnfitPage("size", f"{len(response.content)} bytes, at most {conf.max_shell}")


def _check_vary(response: HttpResponse, dimensions: tuple[Dimension, ...], conf: Settings) -> None:
    """Fields that a page varies by must be dimensions, or such that requests with them are passed.

    Cookies are the dimensions' business, and the edge does its own compression.
    """
    known = {"cookie", "accept-encoding", *(name.lower() for name in conf.varying_headers)}
    known |= {item.field.lower() for item in dimensions if item.source == "header"}
    if any(item.source == "language" for item in dimensions):
        known.add("accept-language")
    for name in response.headers.get("Vary", "").split(","):
        if name.strip() and name.strip().lower() not in known:
            raise UnfitPage(
                "vary",
                f"the page varies by {name.strip()}: declare a dimension with "
                f"source 'header' (Accept-Language: 'language'), or list it in VARYING_HEADERS",
            )


def _headers(
    response: HttpResponse, state: TwoPass, body: tuple[Part, ...], conf: Settings
) -> tuple[tuple[str, tuple[Part, ...]], ...]:
    # a date by which a visitor's old parts would pass for new ones is not for them
    dropped = _DROPPED | {"last-modified"} if is_personal(body) else _DROPPED
    headers = [
        (name.lower(), cut(value.encode("latin-1"), conf) or (b"",))
        for name, value in response.items()
        if name.lower() not in dropped and not name.lower().startswith(INTERNAL_PREFIX)
    ]
    if state.csrf_used and not settings.CSRF_USE_SESSIONS and CSRF not in body:
        # scripts read the token from the cookie, which who fills a hole will set; internal fields
        # do not leave the edge
        headers.append((CSRF_FIELD, (CSRF,)))
    return tuple(headers)


def _strictest(declared: float, shown: float | None) -> float:
    """A page is fresh no longer than the data it shows."""
    return declared if shown is None else min(declared, shown)


def _or(value: float | None, default: float) -> float:
    return default if value is None else value
