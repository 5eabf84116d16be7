"""The two addresses below `/_twopass/`: the manifest, and bundles. Without proof they are 404."""

from __future__ import annotations

import time
from collections.abc import Mapping

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase

from fragments.bundle import (
    MAX_REQUEST,
    RESPONSE_TYPE,
    BundleRequest,
    End,
    Head,
    Verdict,
    encode_message,
)
from fragments.errors import WireError
from fragments.headers import MIN_LSN, PassKind
from fragments.include import Include
from fragments.manifest import BUNDLE_PATH, CONTENT_TYPE, PATH

from . import counters, manifest, proof, second_pass
from .conf import Settings
from .context import update_context_cookie
from .cutting import is_page_with_holes
from .databases import check_lsn
from .passes import Pass, TwoPass
from .second_pass import Bundle, FramesResponse
from .steps import Flow, Run, Work
from .streams import collect
from .subrequest import Parts, Target, addressing_of, build, filter_query, own_parts
from .visit import ForNobodyOf, Visit

_NOT_IN_VERDICTS = frozenset({"set-cookie", "content-length", "connection", "transfer-encoding"})


def answer(request: HttpRequest, conf: Settings, for_nobody_of: ForNobodyOf) -> Flow:
    """What stands at an internal address; nothing, for who has no proof."""
    yield from ()
    wanted: Mapping[tuple[str, str], PassKind] = {
        ("GET", PATH): "manifest",
        ("POST", BUNDLE_PATH): "second",
    }
    kind = wanted.get((str(request.method), request.path_info))
    if kind is None or not conf.enabled:
        return _not_found()
    body = request.read(MAX_REQUEST + 1) if kind == "second" else b""
    try:
        proven = proof.kind_of(request, conf, body)
    except WireError as error:
        counters.count("refused", error.code)
        return proof.refusal(error)
    if proven != kind:
        return _not_found()
    if kind == "manifest":
        sealed = (yield Work(lambda: manifest.of_project(request, conf))).encode(conf.keyring)
        return HttpResponse(sealed, content_type=CONTENT_TYPE)
    try:
        asked = BundleRequest.decode(body)
        min_lsn = check_lsn(request.headers.get(MIN_LSN))
        target = Target.of_url(asked.page, str(request.META.get("SCRIPT_NAME", "")))
    except WireError as error:
        counters.count("refused", error.code)
        return proof.refusal(error, 400)
    except ValueError as error:
        return proof.refusal(WireError("type", f"bundle.page: {error}"), 400)
    visit = Visit(request, conf, for_nobody_of, dict(asked.values))
    return (yield from _bundle(visit, asked, target, min_lsn))


def _bundle(visit: Visit, asked: BundleRequest, target: Target, min_lsn: str | None) -> Flow:
    request, conf = visit.request, visit.conf
    query = filter_query(target.query, None, conf.ignorable_query)
    page = Target(target.path, query, target.scheme, target.host)
    parts = _parts(request, asked, visit)
    sub = build(request, page, parts, anonymous=asked.nobody)
    bundle = Bundle(
        includes=[_verified(token, conf) for token in asked.includes],
        for_nobody=visit.for_nobody_of(sub, visit.values),
        values=visit.values,
        is_nobody=asked.nobody,
        expires=time.monotonic() + asked.deadline,
    )
    response: HttpResponseBase = yield Run(sub, TwoPass(Pass.SECOND, work=bundle), min_lsn)
    if isinstance(response, FramesResponse):
        if conf.context is not None:  # a change of threads under ASGI, for nothing without it
            yield Work(lambda: update_context_cookie(sub, response, conf))
        _drop_refreshed_session(sub, response)
        return response
    if response.status_code >= 500:
        return response  # a failure, not a verdict
    if is_page_with_holes(response, conf):
        second_pass.log_cached_answer(sub)
        return HttpResponse("a cache answered in the page's place\n", status=502)
    return _verdict(response)


def _parts(request: HttpRequest, asked: BundleRequest, visit: Visit) -> Parts:
    """What the page's GET carries: everything of the visitor's own, or nothing for nobody."""
    if asked.nobody:
        return Parts(addressing_of(request))
    parts = own_parts(request)
    if asked.csrf_secret is not None and not settings.CSRF_USE_SESSIONS:
        parts.cookies.setdefault(settings.CSRF_COOKIE_NAME, asked.csrf_secret)
    for dimension in visit.conf.dimensions.values():
        if dimension.source == "bucket":  # the edge drew it: the visitor has no cookie yet
            parts.cookies.setdefault(dimension.field, visit.values[dimension.name])
    return parts


def _verified(token: bytes, conf: Settings) -> Include | WireError:
    try:
        return Include.verify(token, conf.keyring)
    except WireError as error:
        counters.count("refused", error.code)
        return error


def _drop_refreshed_session(request: HttpRequest, response: FramesResponse) -> None:
    """A session cookie that only says again what the visitor has (SESSION_SAVE_EVERY_REQUEST).

    The edge would take it for a new session and forget the visitor's fragments at every page.
    """
    morsel = response.cookies.get(settings.SESSION_COOKIE_NAME)
    session = getattr(request, "session", None)
    if morsel is None or session is None or session.modified:
        return
    if morsel.value == request.COOKIES.get(settings.SESSION_COOKIE_NAME):
        del response.cookies[settings.SESSION_COOKIE_NAME]


def _verdict(response: HttpResponseBase) -> HttpResponse:
    """An answer of the stack in the page's place: a login wall, a redirect, a gate."""
    whole = collect(response, None)
    if whole is None:
        return HttpResponse(status=502, content="the page's verdict is a stream\n")
    headers = tuple(
        (name, value) for name, value in whole.items() if name.lower() not in _NOT_IN_VERDICTS
    )
    verdict = Verdict(whole.status_code, headers, whole.content)
    content = encode_message(Head("unknown", verdict=verdict)) + encode_message(End(0))
    answered = HttpResponse(content, content_type=RESPONSE_TYPE)
    answered.headers["Cache-Control"] = "no-store"
    answered.cookies = whole.cookies
    return answered


def _not_found() -> HttpResponse:
    return HttpResponse("Not found\n", status=404, content_type="text/plain; charset=utf-8")
