"""Load from threads or from asyncio, with something that happens meanwhile."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from asgiref.sync import ThreadSensitiveContext, sync_to_async
from django.db import connections

from tests.dbrouting.shop.models import Product

Query = Callable[[int], object]

SHORT = 450


def read(number: int) -> None:
    """A declared read, as a page does it."""
    assert Product.objects.filter(stock=number % 10).values_list("name", flat=True).first()


def read_anew(number: int) -> None:
    """The same, every fourth time over new connections: what a fault does to connecting."""
    read(number)
    if number % 4 == 0:
        connections.close_all()


@dataclass
class Outcome:
    """What the load saw: (when it ended, how long it took) per query, and all errors."""

    answers: list[tuple[float, float]] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    broke_at: float = 0.0
    mended_at: float = 0.0
    changes: list[tuple[float, str]] = field(default_factory=list)

    @property
    def total(self) -> int:
        return len(self.answers) + len(self.errors)

    def took(self, first: float = float("-inf"), last: float = float("inf")) -> list[float]:
        """Durations, sorted, of queries that ended between two times after the event."""
        return sorted(
            seconds for end, seconds in self.answers if first <= end - self.broke_at < last
        )

    def first_change(self, since: float, *words: str) -> float | None:
        """Milliseconds until the log first said one of `words`; None if it did not."""
        for at, message in self.changes:
            if at >= since and any(word in message for word in words):
                return round(1000 * (at - since), 1)
        return None

    def summary(self) -> dict[str, float | None]:
        """Milliseconds: what is recorded in docs/dbrouting.md."""
        before, failing = self.took(last=0.0), self.took(0.0, 2.0)
        return {
            "queries": self.total,
            "errors": len(self.errors),
            "before_p50_ms": round(1000 * _at(before, 0.5), 2),
            "failing_p50_ms": round(1000 * _at(failing, 0.5), 2),
            "failing_p99_ms": round(1000 * _at(failing, 0.99), 2),
            "failing_max_ms": round(1000 * _at(failing, 1.0), 1),
            "out_after_ms": self.first_change(self.broke_at, "→ open", "leaves rotation"),
            "back_after_ms": self.first_change(self.mended_at, "→ closed", "is back"),
        }


def _at(ordered: list[float], share: float) -> float:
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)] if ordered else 0.0


class _Changes(logging.Handler):
    """Notes when the log says that something changed."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(logging.INFO)
        self.outcome = outcome

    def emit(self, record: logging.LogRecord) -> None:
        self.outcome.changes.append((time.monotonic(), record.getMessage()))


class Load:
    """Runs `query` `total` times in `workers`.

    `event` begins after a third, in a thread of its own, and `mend` after four fifths. With
    `waits`, the second half begins when the event is over, so that it meets what was done however
    slow the machine is.
    """

    def __init__(
        self,
        query: Query,
        total: int,
        event: Callable[[], object],
        mend: Callable[[], object] = lambda: None,
        workers: int = 6,
        *,
        waits: bool = True,
    ) -> None:
        self.query, self.total, self.workers = query, total, workers
        self.outcome = Outcome()
        self._steps = [(total // 3, event), (4 * total // 5, mend)]
        self._pause_at = total // 2 if waits else None
        self._next = 0
        self._lock = threading.Lock()
        self._happening: list[threading.Thread] = []
        self._failures: list[BaseException] = []
        self._log = _Changes(self.outcome)
        logging.getLogger("dbrouting").addHandler(self._log)

    def from_threads(self) -> Outcome:
        """Every worker is a thread with connections of its own."""
        threads = [threading.Thread(target=self._work) for _ in range(self.workers)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return self._finish()

    def from_async(self) -> Outcome:
        """Every worker is a task; as under ASGI, each has a thread for its ORM calls."""
        self._run_tasks(self.workers)
        return self._finish()

    def from_both(self) -> Outcome:
        """Half of the workers are threads, half of them tasks."""
        threads = [threading.Thread(target=self._work) for _ in range(self.workers // 2)]
        for thread in threads:
            thread.start()
        self._run_tasks(self.workers - len(threads))
        for thread in threads:
            thread.join()
        return self._finish()

    def _run_tasks(self, count: int) -> None:
        async def worker() -> None:
            async with ThreadSensitiveContext():
                while (number := self._take()) is not None:
                    await sync_to_async(self._ask)(number)
                await sync_to_async(connections.close_all)()

        async def everyone() -> None:
            await asyncio.gather(*(worker() for _ in range(count)))

        asyncio.run(everyone())

    def _work(self) -> None:
        try:
            while (number := self._take()) is not None:
                self._ask(number)
        finally:
            connections.close_all()

    def _take(self) -> int | None:
        with self._lock:
            if self._next >= self.total:
                return None
            self._next += 1
            if self._next == self._pause_at:
                self._happening[0].join()
            if self._steps and self._next >= self._steps[0][0]:
                self._happen(self._steps.pop(0)[1])
            return self._next

    def _happen(self, step: Callable[[], object]) -> None:
        def run() -> None:
            if self._happening[0] is not threading.current_thread():
                self._happening[0].join()
            try:
                step()
            except BaseException as error:
                self._failures.append(error)

        if not self._happening:
            self.outcome.broke_at = time.monotonic()
        else:
            self.outcome.mended_at = time.monotonic()
        thread = threading.Thread(target=run)
        self._happening.append(thread)
        thread.start()

    def _ask(self, number: int) -> None:
        start = time.monotonic()
        try:
            self.query(number)
        except Exception as error:
            self.outcome.errors.append(f"{type(error).__name__}: {error}")
        else:
            end = time.monotonic()
            self.outcome.answers.append((end, end - start))

    def _finish(self) -> Outcome:
        for thread in self._happening:
            thread.join()
        logging.getLogger("dbrouting").removeHandler(self._log)
        if self._failures:
            raise self._failures[0]
        return self.outcome
