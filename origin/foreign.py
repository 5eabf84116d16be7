"""Pages for foreign surrogates (Varnish, Fastly, Akamai, nginx …) as standard ESI markup.

Only who sends the shared secret gets markup; anybody else gets whole pages. What ESI cannot say
makes a page whole too: gates, nonces, literal text that a surrogate would take for markup.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Generator
from typing import Any, Final
from urllib.parse import quote, urlencode

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase

from fragments.bundle import Frame
from fragments.csrf import CSRF, CsrfHole
from fragments.errors import WireError
from fragments.headers import ESI_CONTROL, INTERNAL_PREFIX, SURROGATE_FIELD
from fragments.include import Include
from fragments.manifest import INTERNAL_PREFIX as INTERNAL_PATHS
from fragments.shell import FragmentHole, NonceHole, Part, Shell
from fragments.signing import from_text, to_text

from . import counters, csrf, exchange, in_process
from .conf import Settings
from .cutting import hole_for
from .filling import Filling, is_open
from .headers_out import is_personal, protect, vary
from .page import SAFE
from .passes import Pass, TwoPass
from .second_pass import Bundle, FramesResponse
from .steps import Collect, Flow, Run, Step
from .subrequest import Target, build, cookies_of, drop_internal_fields, own_parts
from .visit import ForNobodyOf, Visit

PREFIX: Final = f"{INTERNAL_PATHS}esi/"
"""Where fragments are had one by one, at addresses that only we can make."""

CSRF_ADDRESS: Final = "csrf"
_MARKUP: Final = re.compile(rb"<(?:esi:|!--esi)", re.IGNORECASE)


def is_surrogate(request: HttpRequest, conf: Settings) -> bool:
    """Whether `request` comes from a surrogate that knows the secret and speaks ESI/1.0.

    One that announces its capabilities (Surrogate-Capability) must announce that one.
    """
    given = request.headers.get(SURROGATE_FIELD)
    if given is None or not conf.surrogate_secret or not conf.enabled:
        return False
    if not hmac.compare_digest(given.encode(), conf.surrogate_secret.encode()):
        counters.count("refused", "surrogate")
        return False
    capability = request.headers.get("Surrogate-Capability", "")
    return not capability or "ESI/1.0" in capability


def answer(request: HttpRequest, conf: Settings, for_nobody_of: ForNobodyOf) -> Flow:
    """A page with ESI markup, a page that cannot have it, or one fragment."""
    drop_internal_fields(request)
    visit = Visit(request, conf, for_nobody_of)
    if request.path_info.startswith(PREFIX):
        return (yield from _fragment(visit))
    if request.path_info.startswith(INTERNAL_PATHS):
        return HttpResponse("Not found\n", status=404, content_type="text/plain")
    if request.method not in SAFE or exchange.is_passed(request, conf):
        return (yield from exchange.one_pass(visit, request, "bypass"))
    return (yield from exchange.two_passes(visit, _marked_up))


def reason_against(shell: Shell, conf: Settings) -> str:
    """Why ESI cannot say what `shell` says; empty if it can."""
    if shell.gate:
        return "gate"
    parts = in_process.all_parts(shell)
    if any(isinstance(part, NonceHole) for part in parts):
        return "nonce"
    if any(not isinstance(part, bytes) for _, cut in shell.headers for part in cut):
        return "csrf"
    if any(isinstance(part, CsrfHole) for part in parts) and not conf.surrogate_csrf:
        return "csrf"
    if any(isinstance(part, bytes) and _MARKUP.search(part) for part in shell.body):
        return "markup"
    return ""


def _marked_up(visit: Visit, shell: Shell) -> Flow:
    """The shell as ESI, or the whole page."""
    request, conf = visit.request, visit.conf
    against = reason_against(shell, conf)
    if against:
        counters.count("pass", against)
        return (yield from exchange.one_pass_again(visit, against))
    page = Target.of(request)
    url = page.path.decode("utf-8", "replace") + (f"?{page.query}" if page.query else "")
    body = b"".join(_markup(part, url, conf) for part in shell.body)
    response = HttpResponse(body, status=shell.status)
    del response.headers["Content-Type"]
    for name, parts in shell.headers:
        if not name.startswith(INTERNAL_PREFIX):
            response.headers[name.title()] = b"".join(
                part for part in parts if isinstance(part, bytes)
            ).decode("latin-1")
    protect(response, personal=is_personal(shell.body), sealed=False)
    vary(response, shell.dimensions)
    control = f"max-age={shell.max_age:.0f}+{shell.stale_while_revalidate:.0f}"
    _name_groups(response, shell.groups)
    response.headers["Surrogate-Control"] = (
        f"{control}, {ESI_CONTROL}" if body != _literal(shell) else control
    )
    return response


def _markup(part: Part, page: str, conf: Settings) -> bytes:
    if isinstance(part, bytes):
        return part
    if isinstance(part, FragmentHole):
        alt = "" if part.alt is None else f' alt="{_address(part.alt, page, conf)}"'
        src = _address(part.token, page, conf)
        return f'<esi:include src="{src}"{alt} onerror="continue"/>'.encode()
    src = _address(CSRF_ADDRESS.encode(), page, conf)
    return f'<esi:include src="{src}"/>'.encode()


def _address(token: bytes, page: str, conf: Settings) -> str:
    signature = to_text(conf.keyring.sign("surrogate", token, page.encode()))
    # & would have to be written &amp; in an attribute, and not every parser undoes that
    query = urlencode({"page": page}, quote_via=quote)
    return f"{PREFIX}{token.decode('ascii')}/{signature}?{query}"


def _fragment(visit: Visit) -> Flow:
    """One fragment for this visitor, at its signed address."""
    request, conf = visit.request, visit.conf
    token, _, signature = request.path_info.removeprefix(PREFIX).partition("/")
    page = request.GET.get("page", "")
    try:
        conf.keyring.verify("surrogate", from_text(signature), token.encode(), page.encode())
        if token == CSRF_ADDRESS:
            return _respond(visit, Frame(index=0, status=200, body=(CSRF,), scope="no-store"), None)
        include = Include.verify(token.encode(), conf.keyring)
    except (WireError, UnicodeEncodeError):
        counters.count("refused", "surrogate")
        return HttpResponse("Not found\n", status=404, content_type="text/plain")
    hole = hole_for(token.encode(), include, conf)
    if not is_open(hole, cookies_of(request)):
        return _respond(visit, Frame(index=0, status=200, scope="private"), None)
    frame, answered = yield from _rendered(visit, include, page)
    return _respond(visit, frame, answered)


def _rendered(
    visit: Visit, include: Include, page: str
) -> Generator[Step, Any, tuple[Frame, HttpResponseBase | None]]:
    request = visit.request
    path, _, query = page.partition("?")
    sub = build(request, Target(path.encode(), query), own_parts(request))
    bundle = Bundle([include], visit.for_nobody_of(sub, visit.values), visit.values)
    answered = yield Run(sub, TwoPass(Pass.SECOND, work=bundle))
    if not isinstance(answered, FramesResponse):
        return Frame(index=0, status=503, scope="no-store"), None
    messages = yield Collect(answered.plan)
    frames = [message for message in messages if isinstance(message, Frame)]
    return frames[0], answered


def _respond(visit: Visit, frame: Frame, answered: HttpResponseBase | None) -> HttpResponse:
    """`frame` as a response of its own; a failed one has no body, so that alt or nothing shows."""
    filling = Filling({})
    secret = None
    if any(isinstance(part, CsrfHole) for part in frame.body) and not settings.CSRF_USE_SESSIONS:
        secret = csrf.visitor_secret(visit.request) or csrf.new_secret()
        filling.csrf_token = csrf.token_for(secret)
    body = filling.apply(frame.body) if frame.status == 200 else b""
    response = HttpResponse(body, status=frame.status if frame.status >= 400 else 200)
    if frame.scope == "public" and secret is None:
        response.headers["Cache-Control"] = "no-cache"
        response.headers["Surrogate-Control"] = f"max-age={frame.max_age:.0f}"
        _name_groups(response, frame.groups)
    else:
        response.headers["Cache-Control"] = "private, no-store"
        response.headers["Surrogate-Control"] = "no-store"
    if secret is not None:
        csrf.set_cookie(response, secret)
    if answered is not None:
        response.cookies.update(answered.cookies)
    return response


def _name_groups(response: HttpResponse, groups: tuple[str, ...]) -> None:
    """In the fields that purging by group goes by: Fastly's, Varnish's xkey, Cloudflare's."""
    names = [name for name in groups if " " not in name and "," not in name]
    if names:
        response.headers["Surrogate-Key"] = " ".join(names)
        response.headers["xkey"] = " ".join(names)
        response.headers["Cache-Tag"] = ",".join(names)


def _literal(shell: Shell) -> bytes:
    return b"".join(part for part in shell.body if isinstance(part, bytes))
