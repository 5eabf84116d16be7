"""What becomes of a request for a page: which passes it takes, and who completes it.

unsafe, off, or to be passed → one pass, filled in place
guessed plain                → the visitor's own request; if the view turns out two-pass, below
two-pass                     → first pass → shell → the edge, a surrogate, or completed here
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any, TypeAlias

from django.core.exceptions import DisallowedHost
from django.http import HttpRequest, HttpResponse, HttpResponseBase

from fragments.dimensions import Dimension
from fragments.headers import PASSED, SHELL_CONTROL
from fragments.include import Include
from fragments.shell import CONTENT_TYPE, FragmentHole, Shell

from . import counters, in_process, leftovers, shells
from .addresses import address
from .conf import Settings
from .cutting import is_page_with_holes
from .first_pass import UnfitPage, compile_shell
from .guess import guess_page
from .headers_out import protect, vary
from .page import SAFE
from .passes import PageOptions, Pass, TwoPass
from .second_pass import Bundle, FramesResponse, log_cached_answer
from .steps import Collect, Flow, Run, Step, Work
from .streams import discard
from .subrequest import (
    Target,
    adopt,
    again,
    build,
    cookies_of,
    filter_query,
    headers_of,
    own_parts,
)
from .visit import Visit
from .visitor import dimensions_named, parts_for_nobody

logger = logging.getLogger("twopass.origin")

MAX_GUESSES = 3
"""Runs of the stack for one first pass: a guess, what `process_view` saw, and one to spare."""


@dataclass(slots=True)
class Outcome:
    """What a first pass came to: a shell, or why there is none, or that the view is plain."""

    shell: Shell | None = None
    page: PageOptions | None = None
    reason: str = ""
    response: HttpResponseBase | None = None
    """What the view answered to nobody, where it is worth showing: its own error."""


FirstPass: TypeAlias = Generator[Step, Any, Outcome]
PageOrPlain: TypeAlias = Generator[Step, Any, "PageOptions | HttpResponseBase"]
Completion: TypeAlias = Callable[[Visit, Shell], Flow]
"""What makes a visitor's response of a shell."""


def in_one_process(visit: Visit) -> Flow:
    """Both passes here: there is nobody in front who could complete a page."""
    request, conf = visit.request, visit.conf
    if not conf.enabled or request.method not in SAFE or is_passed(request, conf):
        return (yield from one_pass(visit, request))
    return (yield from two_passes(visit, _completed))


def two_passes(visit: Visit, complete: Completion) -> Flow:
    """A shell from the cache or made now, completed by `complete`; or the plain page."""
    page = yield from _page_or_plain(visit)
    if not isinstance(page, PageOptions):
        return page
    outcome = yield from obtain_shell(visit, page)
    if outcome.shell is not None:
        return (yield from complete(visit, outcome.shell))
    if outcome.response is not None:
        return outcome.response
    return (yield from one_pass_again(visit, outcome.reason))


def for_edge(visit: Visit) -> Flow:
    """A URL that the edge does not know, with its visitor's own request: say what it is."""
    request, conf = visit.request, visit.conf
    if not conf.enabled or request.method not in SAFE or is_passed(request, conf):
        return (yield from one_pass(visit, request))
    page = yield from _page_or_plain(visit)
    if not isinstance(page, PageOptions):
        return page
    if request.method == "HEAD":  # an answer without a body cannot carry a shell
        outcome = Outcome(page=page, reason="method")
    else:
        outcome = yield from first_pass(visit, page, None)
    if outcome.shell is not None:
        return ShellResponse(outcome.shell, conf)
    if outcome.response is not None:
        return outcome.response
    response = yield from one_pass_again(visit, outcome.reason)
    response.headers[PASSED] = outcome.reason
    return response


def for_nobody(visit: Visit, min_lsn: str | None) -> Flow:
    """The edge asks for a shell; an answer to one visitor would be of no use to it."""
    outcome = yield from first_pass(visit, guess_page(visit.request), min_lsn)
    if outcome.shell is not None:
        return ShellResponse(outcome.shell, visit.conf)
    if outcome.response is not None and visit.conf.strict:
        return outcome.response  # the developer is to see the error, not a page without it
    headers = {PASSED: outcome.reason or "status", "Cache-Control": "no-store"}
    return HttpResponse(status=204, headers=headers)


def passed_by_edge(visit: Visit) -> Flow:
    """An edge that takes no shell for this request wants it passed.

    In development it may be one whose shell failed: the developer sees why, and not a page that
    works by being passed.
    """
    request, conf = visit.request, visit.conf
    page = guess_page(request) if conf.strict and conf.enabled else None
    if page is not None and request.method in SAFE and not is_passed(request, conf):
        outcome = yield from first_pass(visit, page, None)
        if outcome.reason == "guard" and outcome.response is not None:
            return outcome.response
    return (yield from one_pass(visit, request, "bypass"))


def first_pass(visit: Visit, page: PageOptions | None, min_lsn: str | None) -> FirstPass:
    """Render the page for nobody and compile it."""
    conf = visit.conf
    for _ in range(MAX_GUESSES):
        dimensions = dimensions_named(page.dimensions, conf) if page is not None else ()
        sub = _stripped(visit, page, dimensions)
        state = TwoPass(
            Pass.FIRST, page, {item.name: visit.values[item.name] for item in dimensions}
        )
        response = yield Run(sub, state, min_lsn)
        if state.wrong_guess:
            discard(response)
            page = state.page
            continue
        visit.request.resolver_match = sub.resolver_match
        if page is None or not state.entered:
            # a plain view, or middleware that answered itself (a login wall, a redirect to https)
            discard(response)
            return Outcome(page=page, reason="status")
        work = functools.partial(_compiled, response, page, state, dimensions, visit)
        outcome: Outcome = yield Work(work)
        return outcome
    return Outcome(page=page, reason="error")


def one_pass(visit: Visit, request: HttpRequest, reason: str = "") -> Flow:
    """The page for this visitor alone, filled in place; with a `reason` nobody may store it."""
    state = TwoPass(Pass.SINGLE, values=visit.values, work=visit.single())
    for dimension in visit.drawn:
        request.COOKIES[dimension.field] = visit.values[dimension.name]
    response = yield Run(request, state)
    response = yield from leftovers.complete(request, state, response, visit)
    if state.page is not None:
        gate = state.page.gate is not None
        protect(response, personal=state.filled or state.csrf_used, sealed=gate or bool(reason))
        declared = set(state.page.dimensions)
        vary(response, dimensions_named(state.page.dimensions, visit.conf))
        drawn = [item for item in visit.drawn if item.name in declared]
        in_process.set_buckets(response, drawn, visit.values)
    return response


def one_pass_again(visit: Visit, reason: str) -> Flow:
    """As `one_pass`, for a request that the stack may have seen already."""
    sub = again(visit.request)
    response = yield from one_pass(visit, sub, reason)
    adopt(visit.request, sub)
    return response


def is_passed(request: HttpRequest, conf: Settings) -> bool:
    """Whether this visitor's request must reach the view as it is."""
    headers = headers_of(request)
    if "authorization" in headers:
        return True
    declared = {item.field.lower() for item in conf.dimensions.values() if item.source == "header"}
    varying = {name.lower() for name in conf.varying_headers} - declared
    if any(name in headers for name in varying):
        return True
    return bool(conf.bypass_cookies) and any(
        name in conf.bypass_cookies for name in cookies_of(request)
    )


class ShellResponse(HttpResponse):
    """A shell on the wire. `sealed`: its body, as long as no middleware has changed that."""

    def __init__(self, shell: Shell, conf: Settings) -> None:
        self.shell = shell
        self.sealed = shell.encode(conf.keyring)
        headers = {"Surrogate-Control": SHELL_CONTROL, "Cache-Control": "no-store"}
        super().__init__(self.sealed, content_type=CONTENT_TYPE, headers=headers)


def obtain_shell(visit: Visit, page: PageOptions) -> FirstPass:
    """A shell from the cache, or made now; a stale one covers for a view that fails."""
    conf = visit.conf
    try:
        key = _key(visit, page)
    except DisallowedHost:
        return Outcome(page=page, reason="error")
    held = yield Work(lambda: shells.lookup(key, conf))
    if held is not None and held.is_fresh:
        return Outcome(shell=held.shell, page=page)
    began, min_lsn = yield Work(lambda: (shells.begin(conf), shells.min_lsn(conf)))
    outcome = yield from first_pass(visit, page, min_lsn)
    if outcome.shell is not None and outcome.page is not None:
        shell, real_key = outcome.shell, _key(visit, outcome.page)
        yield Work(lambda: shells.store(real_key, shell, began, conf))
    elif outcome.reason == "error" and held is not None and held.may_cover_error:
        return Outcome(shell=held.shell, page=page)
    return outcome


def _page_or_plain(visit: Visit) -> PageOrPlain:
    """The mark of the view, or the response of one that has none."""
    page = guess_page(visit.request)
    if page is not None:
        return page
    state = TwoPass(Pass.PLAIN, values=visit.values, work=visit.single())
    response = yield Run(visit.request, state)
    if state.wrong_guess and state.page is not None:
        response.close()
        return state.page
    return (yield from leftovers.complete(visit.request, state, response, visit))


def _completed(visit: Visit, shell: Shell) -> Flow:
    request, conf = visit.request, visit.conf
    holes = in_process.holes_for(shell, request)
    answered: HttpResponseBase | None = None
    plan, frames = None, {}
    if holes or shell.gate:
        run = _bundle_run(visit, holes)
        answered = yield run
        adopt(request, run.request)
        if isinstance(answered, FramesResponse):
            plan = answered.plan
            frames = in_process.frames_by_hole(holes, (yield Collect(plan)))
        elif is_page_with_holes(answered, conf):
            log_cached_answer(request)
            if shell.gate:
                return HttpResponse(status=503)
        elif shell.gate or answered.status_code < 500:
            return answered
    filling = yield Work(lambda: in_process.fill(holes, frames, plan, conf))
    response = in_process.respond(request, shell, filling)
    if answered is not None:
        response.cookies.update(answered.cookies)
    declared = {item.name for item in shell.dimensions}
    drawn = [item for item in visit.drawn if item.name in declared]
    in_process.set_buckets(response, drawn, visit.values)
    return in_process.apply_body_middleware(request, response)


def _bundle_run(visit: Visit, holes: list[FragmentHole]) -> Run:
    request, conf = visit.request, visit.conf
    parts = own_parts(request)
    for dimension in visit.drawn:
        parts.cookies[dimension.field] = visit.values[dimension.name]
    target = Target.of(request)
    query = filter_query(target.query, None, conf.ignorable_query)
    sub = build(request, Target(target.path, query), parts)
    bundle = Bundle(
        includes=[Include.verify(hole.token, conf.keyring) for hole in holes],
        for_nobody=visit.for_nobody_of(sub, visit.values),
        values=visit.values,
    )
    return Run(sub, TwoPass(Pass.SECOND, work=bundle))


def _stripped(
    visit: Visit, page: PageOptions | None, dimensions: tuple[Dimension, ...]
) -> HttpRequest:
    request, conf = visit.request, visit.conf
    target = Target.of(request)
    declared = page.query if page is not None else None
    query = filter_query(target.query, declared, conf.ignorable_query)
    parts = parts_for_nobody(request, visit.values, dimensions, conf)
    return build(request, Target(target.path, query), parts, anonymous=True)


def _compiled(
    response: HttpResponseBase,
    page: PageOptions,
    state: TwoPass,
    dimensions: tuple[Dimension, ...],
    visit: Visit,
) -> Outcome:
    try:
        shell = compile_shell(response, page, state, dimensions, visit.values, visit.conf)
    except UnfitPage as unfit:
        counters.count("pass", unfit.reason)
        logger.info("%s is passed: %s", visit.request.path, unfit)
        is_error = response.status_code >= 500
        if not is_error:
            discard(response)
        return Outcome(page=page, reason=unfit.reason, response=response if is_error else None)
    return Outcome(shell=shell, page=page)


def _key(visit: Visit, page: PageOptions) -> shells.PageKey:
    request, conf = visit.request, visit.conf
    query = filter_query(
        str(request.META.get("QUERY_STRING", "")), page.query, conf.ignorable_query
    )
    return shells.PageKey(
        url=address(str(request.scheme), request.get_host(), request.path, query),
        values=tuple((name, visit.values[name]) for name in page.dimensions),
        release=conf.release,
    )
