"""The edge's proof on a request: what it asks for, or why it is not believed."""

from __future__ import annotations

import time
from collections.abc import Iterator
from urllib.parse import quote

from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, HttpResponse

from fragments.errors import WireError
from fragments.headers import PROOF, PassKind, ProvenRequest, verify_proof

from .conf import Settings
from .subrequest import Target

ERROR = "TwoPass-Error"
"""Field of an answer to a request that breaks the contract: one of `fragments.errors.CODES`."""

_ADVICE = {
    "clock-skew": "Run NTP on edge and origin.",
    "unknown-key": "Give edge and origin the same TWOPASS_SECRET; while rotating, both secrets.",
    "signature": "The request was changed between edge and origin: a proxy there must pass path, "
    "query and Host on untouched.",
    "version": "Edge and origin are of releases too far apart.",
}


def kind_of(request: HttpRequest, conf: Settings, body: bytes = b"") -> PassKind | None:
    """What the edge proves it asks for; None for a request without proof. Raises WireError."""
    value = request.headers.get(PROOF)
    if value is None:
        return None
    error: WireError | None = None
    for target in dict.fromkeys(_targets(request)):
        host = str(request.META.get("HTTP_HOST", ""))
        proven = ProvenRequest(str(request.method), host, target, body)
        try:
            return verify_proof(conf.keyring, proven, value, time.time())
        except WireError as failure:
            # a wrong guess of the request line shows as a bad signature; other errors say more
            if error is None or failure.code != "signature":
                error = failure
    raise error or WireError("malformed", "no request target")


def refusal(error: WireError, status: int = 403) -> HttpResponse:
    """The answer that tells the edge's operator what to do."""
    advice = _ADVICE.get(error.code, "See docs/wire.md, error codes.")
    return HttpResponse(
        f"{error}. {advice}\n",
        status=status,
        content_type="text/plain; charset=utf-8",
        headers={ERROR: error.code, "Cache-Control": "no-store"},
    )


def _targets(request: HttpRequest) -> Iterator[str]:
    """Path and query as they may have stood in the request line: servers tell in several ways."""
    query = str(request.META.get("QUERY_STRING", ""))
    suffix = f"?{query}" if query else ""
    if isinstance(request, ASGIRequest):
        raw = request.scope.get("raw_path")
        if raw:
            yield raw.decode("latin-1").partition("?")[0] + suffix
    for key in ("RAW_URI", "REQUEST_URI"):
        line = request.META.get(key)
        if isinstance(line, str):
            yield line
    path = Target.of(request).path
    prefix = str(request.META.get("SCRIPT_NAME", "")).encode()
    yield quote(prefix + path, safe="/:@!$&'()*+,;=~-._") + suffix
    yield quote(prefix + path) + suffix
