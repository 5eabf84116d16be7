"""Runs a rebuild: batches in dependency order, on so many processes, at so many pages a second."""

from __future__ import annotations

import multiprocessing
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass, field

from .planning import Batch
from .rendering import Outcome, Task, begin_process, perform
from .words import FAILED


@dataclass(slots=True)
class Totals:
    """What a run came to."""

    words: Counter[str] = field(default_factory=Counter)
    errors: list[str] = field(default_factory=list)
    queries: int = 0
    seconds: float = 0.0

    @property
    def pages(self) -> int:
        """Pages that were looked at."""
        return self.words.total()

    def add(self, outcome: Outcome) -> None:
        """One batch more."""
        self.words.update(outcome.words.values())
        self.errors += outcome.errors
        self.queries += outcome.queries


@dataclass(frozen=True, slots=True)
class Limits:
    """`processes` at once, each with one connection to the database; `rate` in pages a second,
    0 for no bound."""

    processes: int
    rate: float = 0.0


def run(
    waves: Sequence[Sequence[Batch]],
    task_of: Callable[[Batch], Task],
    limits: Limits,
    done: Callable[[Outcome], None],
) -> Totals:
    """Perform all batches; those of a wave begin when the wave before has ended."""
    totals, began = Totals(), time.monotonic()
    context = multiprocessing.get_context("spawn")  # threads and connections do not survive a fork
    with ProcessPoolExecutor(limits.processes, context, begin_process) as pool:
        pace = _Pace(limits.rate, began)
        try:
            for wave in waves:
                for outcome in _wave(pool, [task_of(batch) for batch in wave], limits, pace):
                    totals.add(outcome)
                    done(outcome)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    totals.seconds = time.monotonic() - began
    return totals


class _Pace:
    """When the next batch may begin, so that no more than `rate` pages begin in a second."""

    def __init__(self, rate: float, began: float) -> None:
        self._rate = rate
        self._next = began

    def hold(self, pages: int) -> None:
        """Wait for the turn of so many pages."""
        if not self._rate:
            return
        now = time.monotonic()
        if self._next > now:
            time.sleep(self._next - now)
        self._next = max(self._next, now) + pages / self._rate


def _wave(
    pool: ProcessPoolExecutor, tasks: Sequence[Task], limits: Limits, pace: _Pace
) -> Iterator[Outcome]:
    open_tasks: dict[Future[Outcome], Task] = {}
    waiting = list(reversed(tasks))
    while waiting or open_tasks:
        while waiting and len(open_tasks) < 2 * limits.processes:
            task = waiting.pop()
            pace.hold(len(task.batch.pages))
            open_tasks[pool.submit(perform, task)] = task
        finished, _ = wait(open_tasks, return_when=FIRST_COMPLETED)
        for future in finished:
            yield _outcome(open_tasks.pop(future), future)


def _outcome(task: Task, future: Future[Outcome]) -> Outcome:
    error = future.exception()
    if error is None:
        return future.result()
    if not isinstance(error, Exception):
        raise error
    words = {page.name: FAILED for page in task.batch.pages}
    return Outcome(task.batch, words, [f"batch of {task.batch.source}: {error!r}"])
