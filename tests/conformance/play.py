"""Plays scenarios through a proxy and says what came of each."""

from __future__ import annotations

import asyncio
import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from tests.conformance.origin import Origin, Script
from tests.conformance.scenario import Expectation, Scenario, Step
from tests.conformance.wire import Request, Response, ask

Verdict = Literal["pass", "fail", "setup"]
"""`setup`: the scenario could not show what it is about."""

# A request that the proxy makes after it has answered (a refresh) counts for the step.
_LINGER = 0.15


@dataclass(frozen=True)
class Result:
    """What came of a scenario; `detail` says what was seen instead."""

    scenario: Scenario
    verdict: Verdict
    detail: str = ""


@dataclass(frozen=True)
class Proxy:
    """Where the proxy listens."""

    host: str
    port: int


async def play_all(
    scenarios: Iterable[Scenario], proxy: Proxy, origin: Origin, *, at_once: int = 16
) -> list[Result]:
    """Results in the order of the scenarios; `at_once` of them are under way together."""
    gate = asyncio.Semaphore(at_once)

    async def one(scenario: Scenario) -> Result:
        async with gate:
            return await play(scenario, proxy, origin)

    return list(await asyncio.gather(*(one(scenario) for scenario in scenarios)))


async def play(scenario: Scenario, proxy: Proxy, origin: Origin) -> Result:
    """Play one scenario under a path nobody used before."""
    script = Script(scenario, f"{scenario.id}-{secrets.token_hex(4)}")
    origin.add(script)
    for number, step in enumerate(scenario.steps):
        script.current = number
        try:
            shortcoming = await _play_step(script, number, step, proxy)
        except (OSError, EOFError, TimeoutError) as error:
            shortcoming = _without_response(step.expect, error)
        if shortcoming:
            verdict: Verdict = "setup" if step.is_setup else "fail"
            return Result(scenario, verdict, f"step {number + 1}: {shortcoming}")
    return Result(scenario, "pass")


def _without_response(expect: Expectation, error: Exception) -> str:
    """A connection that just ends shows no wrong body: fine where only that is asked."""
    if expect == Expectation(not_source=expect.not_source):
        return ""
    return f"no response ({error or type(error).__name__})"


async def _play_step(script: Script, number: int, step: Step, proxy: Proxy) -> str:
    if step.pause:
        await asyncio.sleep(step.pause)
    target = f"/{script.token}{step.path}"
    headers = [(name, script.filled(value)) for name, value in step.headers]
    body = step.payload.encode()
    responses = await asyncio.gather(
        *(
            ask(proxy.host, proxy.port, step.method, target, headers, body)
            for _ in range(step.parallel)
        )
    )
    await asyncio.sleep(_LINGER)
    requests = script.of_step(number)
    for response in responses:
        shortcoming = _shortcoming(script, step.expect, response, requests)
        if shortcoming:
            return shortcoming
    return ""


def _shortcoming(
    script: Script, expect: Expectation, response: Response, requests: list[Request]
) -> str:
    """What does not match; "" when all does."""
    body = response.body.decode("latin-1")
    if expect.asked is not None and bool(requests) is not expect.asked:
        return "the origin was asked" if requests else "the origin was not asked"
    if expect.most_asked is not None and len(requests) > expect.most_asked:
        return f"the origin was asked {len(requests)} times"
    if expect.status is not None and response.status != expect.status:
        return f"status {response.status}"
    if expect.statuses and response.status not in expect.statuses:
        return f"status {response.status}"
    if expect.sources and body not in [script.body_of(number - 1) for number in expect.sources]:
        return f"body {body[:60]!r}"
    if expect.bodies and body not in expect.bodies:
        return f"body {body[:60]!r}"
    if expect.source is not None and body != script.body_of(expect.source - 1):
        return f"body {body[:60]!r}"
    if expect.not_source is not None and body == script.body_of(expect.not_source - 1):
        return f"the body of answer {expect.not_source}"
    if expect.body is not None and body != expect.body:
        return f"body {body[:60]!r}"
    if expect.received is not None and [r.body.decode() for r in requests] != [expect.received]:
        return f"the origin got {[request.body for request in requests]}"
    if expect.interim is not None and [m.start.split()[1] for m in response.interim] != [
        str(expect.interim)
    ]:
        return f"{len(response.interim)} interim responses"
    return (
        _age_shortcoming(expect, response)
        or _fields_shortcoming("response", expect.headers, response, script)
        or next(
            (
                found
                for request in requests[:1]
                if (found := _fields_shortcoming("request", expect.request, request, script))
            ),
            "",
        )
    )


def _age_shortcoming(expect: Expectation, response: Response) -> str:
    if expect.age is None:
        return ""
    lines = response.all("age")
    if len(lines) != 1 or not lines[0].isdigit():
        return f"Age: {lines}"
    low, high = expect.age
    return "" if low <= int(lines[0]) <= high else f"Age: {lines[0]}"


def _fields_shortcoming(
    side: str, expected: object, message: Response | Request, script: Script
) -> str:
    assert hasattr(expected, "items")
    for name, wanted in expected.items():
        found = message.get(name)
        if wanted is None:
            matches = found is None
        elif found is None:
            matches = False
        elif wanted.startswith("~"):
            matches = re.search(script.filled(wanted[1:]), found) is not None
        else:
            matches = found == script.filled(wanted)
        if not matches:
            return f"{side} {name}: {found!r}"
    return ""
