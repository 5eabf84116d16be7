"""Scenarios as data: what a client sends, what the origin would answer, what must be seen.

Every answer of an origin has a body of its own, so that a response tells which answer it is from:
`source=1` expects the body of step 1's answer.

Header values may hold `{+60}` (an HTTP date that many seconds from now; `{+60:rfc850}` and
`{+60:asctime}` in the other forms) and `{base}` (the scenario's own path).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

Kind = Literal["required", "optional", "check"]
"""A MUST; what a good cache does but may leave; what is only worth knowing."""

Lines = tuple[tuple[str, str], ...]


def lines(text: str) -> Lines:
    """`Name: value` lines as pairs."""
    pairs = [line.partition(":") for line in text.strip().splitlines() if line.strip()]
    return tuple((name.strip(), value.strip()) for name, _, value in pairs)


@dataclass(frozen=True)
class Answer:
    """What the origin says when it is asked in a step.

    `not_modified`: header lines of the 304 given instead when the request is conditional.
    `breaks`: the connection ends before the announced end of the body. `disconnects`: it ends
    without an answer. `delay` in seconds. `part`: body and Content-Range of the 206 given instead
    when the request has Range.
    """

    headers: Lines = ()
    status: int = 200
    body: str | None = None
    not_modified: Lines | None = None
    interim: tuple[int, Lines] | None = None
    delay: float = 0.0
    breaks: bool = False
    disconnects: bool = False
    is_chunked: bool = False
    trailers: Lines = ()
    part: tuple[str, str] | None = None
    has_date: bool = True


def says(headers: str = "", status: int = 200, **more: Any) -> Answer:
    """An answer with these header lines."""
    if isinstance(more.get("not_modified"), str):
        more["not_modified"] = lines(more["not_modified"])
    if isinstance(more.get("trailers"), str):
        more["trailers"] = lines(more["trailers"])
    return Answer(lines(headers), status, **more)


@dataclass(frozen=True)
class Expectation:
    """What must be seen in a step; None: does not matter.

    `asked`: whether the origin got a request; `most_asked`: how many at most; `received`: the body
    it got. `source`: the number of the step whose answer's body comes. `sources`, `statuses` and
    `bodies` list several that are fine. `headers` of the response and `request` fields as the
    origin saw them: a value, `~regex`, or None for "not there". `age`: bounds of Age.
    """

    asked: bool | None = None
    status: int | None = None
    source: int | None = None
    body: str | None = None
    headers: Mapping[str, str | None] = field(default_factory=dict)
    request: Mapping[str, str | None] = field(default_factory=dict)
    age: tuple[float, float] | None = None
    most_asked: int | None = None
    interim: int | None = None
    received: str | None = None
    not_source: int | None = None
    statuses: tuple[int, ...] = ()
    bodies: tuple[str, ...] = ()
    sources: tuple[int, ...] = ()


@dataclass(frozen=True)
class Step:
    """One request, or `parallel` equal ones; `pause` seconds before it.

    A setup step that does not come out as expected means that the scenario shows nothing.
    """

    answer: Answer
    expect: Expectation
    method: str = "GET"
    path: str = ""
    headers: Lines = ()
    payload: str = ""
    pause: float = 0.0
    parallel: int = 1
    is_setup: bool = False


@dataclass(frozen=True)
class Scenario:
    """One thing worth knowing about a cache."""

    id: str
    kind: Kind
    section: str
    title: str
    steps: tuple[Step, ...]


_EXPECTED = frozenset(Expectation.__dataclass_fields__)


def step(
    method: str = "GET",
    path: str = "",
    send: str = "",
    *,
    answer: Answer | None = None,
    **more: Any,
) -> Step:
    """A step; keywords are those of Step and Expectation. No answer: that of the step before."""
    expected = {name: more.pop(name) for name in list(more) if name in _EXPECTED}
    return Step(
        answer or _AS_BEFORE,
        Expectation(**expected),
        method,
        path,
        lines(send),
        **more,
    )


_AS_BEFORE = Answer(body="as before")


def scenario(id_: str, kind: Kind, section: str, title: str, *steps: Step) -> Scenario:
    """A scenario; its first step is its setup unless it is the only one."""
    told: list[Step] = []
    last = Answer()
    for number, one in enumerate(steps):
        last = last if one.answer is _AS_BEFORE else one.answer
        is_setup = one.is_setup or (number == 0 and len(steps) > 1)
        told.append(replace(one, answer=last, is_setup=is_setup))
    return Scenario(id_, kind, section, title, tuple(told))


def first(fields: str, status: int = 200, send: str = "", **more: Any) -> Step:
    """A GET that finds nothing stored and gets the origin's answer."""
    told = {name: more.pop(name) for name in list(more) if name in _ANSWER}
    expected = {"asked": True, "source": 1, "status": status, **more}
    if "body" in told:
        del expected["source"]
    return step(send=send, answer=says(fields, status, **told), **expected)


_ANSWER = frozenset(Answer.__dataclass_fields__) - {"headers", "status"}


def reused(
    id_: str, kind: Kind, section: str, title: str, headers: str, *, send: str = "", **more: Any
) -> Scenario:
    """The second of two equal requests is answered from the cache."""
    status = more.pop("status", 200)
    pause = more.pop("pause", 0.0)
    second = more.pop("second", send)
    return scenario(
        id_, kind, section, title,
        first(headers, status, send, **more),
        step("GET", send=second, asked=False, source=1, status=status, pause=pause),
    )  # fmt: skip


def asked_again(
    id_: str, kind: Kind, section: str, title: str, headers: str, *, send: str = "", **more: Any
) -> Scenario:
    """The second of two requests is the origin's to answer."""
    status = more.pop("status", 200)
    pause = more.pop("pause", 0.0)
    second = more.pop("second", send)
    return scenario(
        id_, kind, section, title,
        first(headers, status, send, **more),
        step("GET", send=second, asked=True, source=2, pause=pause),
    )  # fmt: skip
