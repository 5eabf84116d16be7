"""Holes in responses of views that are not marked: a login page, an error page, a form's answer.

They extend the same base templates. Their markers are filled when the stack has returned, by a
second pass of their own with the cookies that the page has just set (so messages are shown once).
"""

from __future__ import annotations

import gzip
from collections.abc import Generator, Sequence
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase

from fragments.bundle import Frame
from fragments.include import Include, has_marker
from fragments.shell import FragmentHole

from . import csrf, in_process
from .conf import Settings
from .context import update_context_cookie
from .cutting import cut, has_holes
from .filling import Filling, open_holes
from .frames import Renderer, job_for, unknown
from .headers_out import is_personal, protect
from .passes import Pass, TwoPass
from .registry import UnknownFragment
from .second_pass import Bundle, FramesResponse, Plan
from .single_pass import cut_headers, put_back
from .steps import Collect, Flow, Run, Step, Work
from .streams import is_text
from .subrequest import Target, build, cookies_of, own_parts
from .surroundings import capture
from .visit import Visit


def complete(
    request: HttpRequest, state: TwoPass, response: HttpResponseBase, visit: Visit
) -> Flow:
    """`response` with whatever holes it still has filled for this visitor."""
    conf = visit.conf
    if conf.context is not None:
        yield Work(lambda: update_context_cookie(request, response, conf))
    encoding = response.headers.get("Content-Encoding", "").lower()
    if not isinstance(response, HttpResponse) or encoding not in ("", "gzip"):
        return response
    packed = encoding == "gzip"
    if packed and not is_text(response):
        return response
    content = gzip.decompress(response.content) if packed else response.content
    headers = cut_headers(response, conf)
    # tokens are looked for only where there may be any: it is dear in long runs of letters
    may_hold_token = is_text(response) and b"csrf" in content.lower()
    if not headers and not has_marker(content) and not may_hold_token:
        return response
    if not headers and not has_holes(content, conf):
        return response
    body = cut(content, conf)
    parts = [*body, *(part for _, cut_value in headers for part in cut_value)]
    cookies = _cookies_after(request, response)
    holes = open_holes(parts, cookies)
    filling = yield from _frames(request, holes, cookies, visit, response)
    filling.nonce = state.nonce
    if filling.needs_csrf(parts):
        filling.csrf_token = csrf.token_for(_secret(request, response, conf))
    put_back(response, body, headers, filling)
    if packed:
        _pack(response)
    if holes or filling.csrf_token or is_personal(parts):
        protect(response, personal=True, sealed=False)
    return response


def _frames(
    request: HttpRequest,
    holes: list[FragmentHole],
    cookies: dict[str, str],
    visit: Visit,
    response: HttpResponse,
) -> Generator[Step, Any, Filling]:
    conf = visit.conf
    frames: dict[FragmentHole, Frame] = {}
    plan: Plan | None = None
    if holes:
        answered = yield _bundle_run(request, holes, cookies, visit)
        if isinstance(answered, FramesResponse):
            plan = answered.plan
            frames = in_process.frames_by_hole(holes, (yield Collect(plan)))
            response.cookies.update(answered.cookies)
        else:  # an error page for a URL that no view has
            frames = yield Work(lambda: _without_view(request, holes, visit))
    found: Filling = yield Work(lambda: in_process.fill(holes, frames, plan, conf))
    return found


def _bundle_run(
    request: HttpRequest, holes: Sequence[FragmentHole], cookies: dict[str, str], visit: Visit
) -> Run:
    parts = own_parts(request)
    parts.cookies = cookies
    sub = build(request, Target.of(request), parts)
    bundle = Bundle(
        includes=[Include.verify(hole.token, visit.conf.keyring) for hole in holes],
        for_nobody=visit.for_nobody_of(sub, visit.values),
        values=visit.values,
    )
    return Run(sub, TwoPass(Pass.SECOND, work=bundle))


def _without_view(
    request: HttpRequest, holes: Sequence[FragmentHole], visit: Visit
) -> dict[FragmentHole, Frame]:
    """Rendered from the request as the stack has left it; what must write is left out."""
    conf = visit.conf
    for_nobody = visit.for_nobody_of(request, visit.values)
    renderer = Renderer(capture(request), for_nobody, visit.values, conf)
    frames: dict[FragmentHole, Frame] = {}
    for hole in holes:
        if hole.writes:
            continue
        try:
            frames[hole] = renderer.render(job_for(0, Include.verify(hole.token, conf.keyring)))
        except UnknownFragment as error:
            frames[hole] = unknown(0, error, strict=conf.strict)
    return frames


def _cookies_after(request: HttpRequest, response: HttpResponse) -> dict[str, str]:
    """The visitor's cookies as they will be once the response has arrived."""
    cookies = cookies_of(request)
    for name, morsel in response.cookies.items():
        if str(morsel["max-age"]) == "0" or not morsel.value:
            cookies.pop(name, None)
        else:
            cookies[name] = morsel.value
    return cookies


def _secret(request: HttpRequest, response: HttpResponse, conf: Settings) -> str:
    """The visitor's CSRF secret, which their cookie will hold."""
    morsel = response.cookies.get(settings.CSRF_COOKIE_NAME)
    if morsel is not None and morsel.value and morsel.value not in csrf.sentinels(conf.keyring):
        return morsel.value
    used = request.META.get("CSRF_COOKIE")
    secret = used if isinstance(used, str) else csrf.visitor_secret(request) or csrf.new_secret()
    csrf.set_cookie(response, secret)
    return secret


def _pack(response: HttpResponse) -> None:
    response.content = gzip.compress(response.content, compresslevel=6)
    if response.has_header("Content-Length"):
        response.headers["Content-Length"] = str(len(response.content))
