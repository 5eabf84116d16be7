"""One pass only: the page is rendered for its visitor and its holes are filled at once.

For pages that cannot be shared, for requests that are passed, and for two-pass switched off; the
body is the same as after two passes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from django.http import HttpRequest, HttpResponse

from fragments.bundle import Frame
from fragments.include import Include
from fragments.shell import Part

from . import csrf
from .conf import Settings
from .cutting import cut
from .filling import Filling, open_holes
from .frames import ForNobody, Renderer, job_for, unknown
from .headers_out import is_personal
from .messages import has_new_messages
from .passes import TwoPass
from .registry import UnknownFragment
from .surroundings import capture

Headers = tuple[tuple[str, tuple[Part, ...]], ...]


@dataclass(slots=True)
class Single:
    """What filling in place needs of the middleware. `values`: all the visitor's dimensions."""

    for_nobody: ForNobody
    values: Mapping[str, str] = field(default_factory=dict)


def fill_in_place(
    request: HttpRequest, response: HttpResponse, state: TwoPass, conf: Settings
) -> None:
    """Fill the holes of a response whose request is still inside the middleware stack.

    Fragments that may write come first; the others find the session read-only, as everywhere.
    """
    single: Single = state.work
    body, headers = cut(response.content, conf), cut_headers(response, conf)
    parts = [*body, *(part for _, cut_value in headers for part in cut_value)]
    if all(isinstance(part, bytes) for part in parts):
        return
    renderer = Renderer(capture(request), single.for_nobody, single.values, conf)
    holes = open_holes(parts, request.COOKIES, also_writing=has_new_messages(request))
    frames = {hole: _show(renderer, hole.token, conf, writes=True) for hole in holes if hole.writes}
    for hole in holes:
        if not hole.writes:
            frames[hole] = _show(renderer, hole.token, conf)
    filling = Filling.of(frames, lambda token: _show(renderer, token, conf), strict=conf.strict)
    filling.nonce = state.nonce
    for written in renderer.responses:
        response.cookies.update(written.cookies)
    if filling.needs_csrf(parts):
        filling.csrf_token = csrf.token_for(csrf.use_in_place(request))
    put_back(response, body, headers, filling)
    # also where this visitor's holes are empty: the next one's are not
    state.filled = bool(holes) or is_personal(parts)


def cut_headers(response: HttpResponse, conf: Settings) -> Headers:
    """The fields that hold holes."""
    found = ((name, cut(value.encode("latin-1"), conf)) for name, value in response.items())
    return tuple(
        (name, parts) for name, parts in found if not all(isinstance(part, bytes) for part in parts)
    )


def put_back(
    response: HttpResponse, body: tuple[Part, ...], headers: Headers, filling: Filling
) -> None:
    """Make `response` one for this visitor."""
    response.content = filling.apply(body)
    for name, parts in headers:
        response.headers[name] = filling.apply(parts).decode("latin-1")
    if response.has_header("Content-Length"):
        response.headers["Content-Length"] = str(len(response.content))


def _show(renderer: Renderer, token: bytes, conf: Settings, *, writes: bool = False) -> Frame:
    try:
        job = job_for(0, Include.verify(token, conf.keyring))
    except UnknownFragment as error:
        return unknown(0, error, strict=conf.strict)
    return renderer.render(job, writes=writes)
