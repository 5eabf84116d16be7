"""Visitors who come at a constant rate, whether the server keeps up or not."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

import uvloop

from ..shop.customers import Customer
from .browsing import Browser, Failed, Leaked
from .latency import Latencies
from .visits import Visit

GRACE: Final = 10.0
"""Seconds that visits may go on after the last page was due; then they are given up."""


class Record(Protocol):
    """Is told of every page when it has come (or not), with the second at which it was due."""

    def came(self, due: float, seconds: float) -> None:
        """Whole, so many seconds after it was due."""

    def failed(self, due: float, why: str) -> None:
        """Not at all."""


@dataclass(slots=True)
class Tally:
    """All pages that were due between two moments of a run."""

    since: float
    until: float
    latencies: Latencies = field(default_factory=Latencies)
    failures: list[str] = field(default_factory=list)

    def came(self, due: float, seconds: float) -> None:
        """Count a page."""
        if self.since <= due < self.until:
            self.latencies.add(seconds)

    def failed(self, due: float, why: str) -> None:
        """Count a failure."""
        if self.since <= due < self.until:
            self.failures.append(why)

    @property
    def failed_share(self) -> float:
        """Of all pages that were due."""
        due = len(self.latencies) + len(self.failures)
        return len(self.failures) / due if due else 1.0


@dataclass(frozen=True, slots=True)
class Crowd:
    """Who visits where."""

    base: str
    customers: Sequence[Customer]


def run(
    crowd: Crowd,
    visits: Iterable[Visit],
    record: Record,
    seconds: float,
    beside: Callable[[float], None] | None = None,
) -> None:
    """Carry out the visits, no page later than `seconds` and `GRACE`.

    `beside` is called once a second with the time of the run. Raises Leaked when a page is somebody
    else's.
    """
    uvloop.run(_run(crowd, visits, record, seconds, beside))


async def _run(
    crowd: Crowd,
    visits: Iterable[Visit],
    record: Record,
    seconds: float,
    beside: Callable[[float], None] | None,
) -> None:
    clock = Clock()
    running: set[asyncio.Task[None]] = set()
    leaks: list[Leaked] = []
    watching = asyncio.create_task(_each_second(clock, beside)) if beside else None
    for visit in visits:
        await clock.reach(visit.steps[0].due)
        if leaks:
            break
        task = asyncio.create_task(_carry_out(crowd, visit, record, clock, seconds, leaks))
        running.add(task)
        task.add_done_callback(running.discard)
    if running and not leaks:
        await asyncio.wait(running, timeout=max(0.0, seconds + GRACE - clock.now))
    for task in [*running, *([watching] if watching else [])]:
        task.cancel()
    await asyncio.gather(*running, *([watching] if watching else []), return_exceptions=True)
    if leaks:
        raise leaks[0]
    if watching and not watching.cancelled() and watching.exception():
        raise watching.exception()  # type: ignore[misc]


class Clock:
    """Seconds since the run began."""

    def __init__(self) -> None:
        self._began = time.perf_counter()

    @property
    def now(self) -> float:
        """What it shows."""
        return time.perf_counter() - self._began

    async def reach(self, moment: float) -> None:
        """Wait until then; not at all when it has passed."""
        if (left := moment - self.now) > 0:
            await asyncio.sleep(left)


async def _each_second(clock: Clock, beside: Callable[[float], None]) -> None:
    second = 0
    while True:
        await clock.reach(second)
        await asyncio.to_thread(beside, clock.now)
        second = int(clock.now) + 1


async def _carry_out(
    crowd: Crowd, visit: Visit, record: Record, clock: Clock, seconds: float, leaks: list[Leaked]
) -> None:
    customer = None
    if visit.customer is not None:
        customer = crowd.customers[visit.customer % len(crowd.customers)]
    browser = Browser(crowd.base, visit, customer)
    for number, step in enumerate(visit.steps):
        if step.due >= seconds:
            break
        await clock.reach(step.due)
        try:
            await browser.take(step)
            record.came(step.due, clock.now - step.due)
            await browser.after(step)
        except Leaked as leak:
            leaks.append(leak)
            break
        except (asyncio.CancelledError, Failed, OSError, TimeoutError) as error:
            # who is turned away leaves, and misses the pages that were still to come
            for missed in visit.steps[number:]:
                record.failed(missed.due, f"{type(error).__name__}: {error}")
            break
    await browser.close()
