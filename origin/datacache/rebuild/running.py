"""Runs a rebuild: batches in dependency order, on so many processes, at so many pages a second."""

from __future__ import annotations

import multiprocessing
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass, field

from .pace import Pace
from .planning import Batch
from .refreshing import Misfiled
from .rendering import Outcome, Task, begin_process, perform
from .words import FAILED


@dataclass(slots=True)
class Totals:
    """What a run came to."""

    words: Counter[str] = field(default_factory=Counter)
    errors: list[str] = field(default_factory=list)
    groups: dict[str, tuple[str, ...]] = field(default_factory=dict)
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
        self.groups.update(outcome.groups)
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
    """Perform all batches; those of a wave begin when the wave before has ended.

    Raises Misfiled, with the rest undone.
    """
    totals, began = Totals(), time.monotonic()
    context = multiprocessing.get_context("spawn")  # threads and connections do not survive a fork
    pace = Pace(limits.rate, context.Value("d", began))
    with ProcessPoolExecutor(limits.processes, context, begin_process, (pace,)) as pool:
        try:
            for wave in waves:
                for outcome in _wave(pool, [task_of(batch) for batch in wave], limits):
                    totals.add(outcome)
                    done(outcome)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    totals.seconds = time.monotonic() - began
    return totals


def _wave(pool: ProcessPoolExecutor, tasks: Sequence[Task], limits: Limits) -> Iterator[Outcome]:
    open_tasks: dict[Future[Outcome], Task] = {}
    waiting = list(reversed(tasks))
    while waiting or open_tasks:
        while waiting and len(open_tasks) < 2 * limits.processes:
            task = waiting.pop()
            open_tasks[pool.submit(perform, task)] = task
        finished, _ = wait(open_tasks, return_when=FIRST_COMPLETED)
        for future in finished:
            yield _outcome(open_tasks.pop(future), future)


def _outcome(task: Task, future: Future[Outcome]) -> Outcome:
    error = future.exception()
    if error is None:
        return future.result()
    if isinstance(error, Misfiled) or not isinstance(error, Exception):
        raise error
    words = {page.name: FAILED for page in task.batch.pages}
    return Outcome(task.batch, words, [f"batch of {task.batch.source}: {error!r}"])
