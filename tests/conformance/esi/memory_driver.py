"""Plays a case on the language alone: a program, a dictionary of fragments, no server."""

from __future__ import annotations

from urllib.parse import urlsplit

from edge.core.directives import surrogate_control
from fragments.esi import DestinationGuard, Evaluation, Fetch, Program, RequestView, parse
from tests.conformance.esi.cases import Answer, Case
from tests.conformance.esi.outcome import Outcome


def _is_esi(answer: Answer) -> bool:
    raw = [(name.encode(), value.encode("latin-1")) for name, value in answer.headers.items()]
    control = surrogate_control(raw, b"twopass")
    return control is not None and "ESI/1.0" in control.content


def _content(answer: Answer) -> bytes | Program:
    body = answer.body.encode()
    return parse(body) if _is_esi(answer) else body


def play(case: Case, *, is_strict: bool = False) -> Outcome:
    """The page that a visitor would get, and what was fetched for it."""
    outcome = Outcome(case.document.status, "")
    content = _content(case.document)
    if isinstance(content, bytes):
        outcome.body = case.document.body
        return outcome
    parts = urlsplit(case.url)
    request = RequestView(
        case.method,
        parts.scheme,
        case.host,
        (parts.path or "/") + (f"?{parts.query}" if parts.query else ""),
        case.headers,
        cookies=frozenset({"*"}),
    )
    guard = DestinationGuard(case.hosts.__contains__, case.hosts.__contains__)
    evaluation = Evaluation(content, request, guard, is_strict=is_strict)
    body = b""
    while not evaluation.is_finished:
        body += evaluation.output()
        for action in evaluation.actions():
            if isinstance(action, Fetch):
                _perform(action, evaluation, case, outcome)
        body += evaluation.output()
    outcome.body = "" if case.method == "HEAD" else body.decode()
    outcome.is_aborted = evaluation.error is not None
    return outcome


def _perform(fetch: Fetch, evaluation: Evaluation, case: Case, outcome: Outcome) -> None:
    url = fetch.destination.url
    outcome.requests.append(url)
    answer = case.answer(url)
    if 200 <= answer.status < 300:
        evaluation.fulfil(fetch.id, _content(answer))
    else:
        evaluation.fail(fetch.id, f"status {answer.status}")
