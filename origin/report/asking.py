"""Asks this project for a page as an edge would, in this process."""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from django.http import HttpResponseBase
from django.test import Client

from fragments.errors import WireError
from fragments.headers import CAPABILITY, PASSED, PROOF, PassKind, ProvenRequest, prove
from fragments.shell import CONTENT_TYPE, Shell

from ..conf import Settings
from ..exchange import ShellResponse
from ..guard import FirstPassViolation

DEFAULT_HOST: Final = "localhost"


@dataclass(slots=True)
class Answer:
    """What came: a shell, or why there is none. `seconds` is what it took."""

    url: str
    shell: Shell | None = None
    sealed: bytes = b""
    """The shell as it came."""
    status: int = 0
    reason: str = ""
    seconds: float = 0.0


def ask(
    client: Client,
    url: str,
    kind: PassKind,
    conf: Settings,
    headers: Mapping[str, str] | None = None,
) -> Answer:
    """The answer to a first pass (`first`) or to a visitor's own request (`probe`).

    `url` may be a path; then the host is `localhost`. Raises ValueError for one that is neither.
    """
    parts = urlsplit(url)
    if not parts.path.startswith("/") and not parts.netloc:
        raise ValueError(f"{url!r} is neither a URL nor a path that begins with /")
    host = parts.netloc or DEFAULT_HOST
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    proof = prove(conf.keyring, ProvenRequest("GET", host, target), kind, time.time())
    sent = {PROOF: proof, "Surrogate-Capability": CAPABILITY, "Host": host, **(headers or {})}
    answer = Answer(url)
    started = time.perf_counter()
    try:
        response = client.get(target, secure=parts.scheme == "https", headers=sent)
    except FirstPassViolation as violation:
        answer.reason = f"guard: {violation}"
    except Exception as error:  # noqa: BLE001  # a view may raise anything
        answer.reason = f"error: {type(error).__name__}: {error}"
    else:
        _read(answer, response, conf)
    answer.seconds = time.perf_counter() - started
    return answer


def _read(answer: Answer, response: HttpResponseBase, conf: Settings) -> None:
    answer.status = response.status_code
    if response.headers.get("Content-Type") != CONTENT_TYPE:
        answer.reason = response.headers.get(PASSED, "") or f"plain page, status {answer.status}"
        return
    body: Any = getattr(response, "content", b"")
    try:
        if isinstance(response, ShellResponse) and response.sealed == body:
            answer.shell = response.shell
        else:
            answer.shell = Shell.decode(body, conf.keyring)
        answer.sealed = body
    except WireError as error:
        answer.reason = f"a shell that cannot be read: {error}"


@contextlib.contextmanager
def logged() -> Iterator[list[str]]:
    """Catch what our loggers say meanwhile: it tells why a page is passed."""
    lines: list[str] = []

    class Catch(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            """Keep the text."""
            lines.append(record.getMessage())

    logger, handler, level = logging.getLogger("twopass"), Catch(), logging.INFO
    before, propagated = logger.level, logger.propagate
    logger.addHandler(handler)
    logger.setLevel(level)
    logger.propagate = False
    try:
        yield lines
    finally:
        logger.removeHandler(handler)
        logger.setLevel(before)
        logger.propagate = propagated
