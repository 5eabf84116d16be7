"""Collapse: one request to the origin where several visitors want the very same thing.

Only what holds nothing of a visitor is shared: shells, verdicts, and fragments of one key.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
R = TypeVar("R")


class Flights(Generic[K, R]):
    """Work in flight, by key; who comes later shares its result.

    The work belongs to nobody: the visitor who began it may leave without stopping it for others.
    """

    def __init__(self) -> None:
        self._tasks: dict[K, asyncio.Task[R]] = {}

    def __len__(self) -> int:
        return len(self._tasks)

    def is_flying(self, key: K) -> bool:
        """Whether such work is in flight."""
        return key in self._tasks

    async def share(self, key: K, work: Callable[[], Awaitable[R]]) -> tuple[R, bool]:
        """The result of the work of that key, and whether it was somebody else's.

        What the work raises, all who share it get.
        """
        task = self._tasks.get(key)
        joined = task is not None
        if task is None:
            task = self.begin(key, work)
        return await asyncio.shield(task), joined

    def begin(self, key: K, work: Callable[[], Awaitable[R]]) -> asyncio.Task[R]:
        """Start work that nobody needs to wait for; what flies already is not begun again."""
        if (flying := self._tasks.get(key)) is not None:
            return flying

        async def run() -> R:
            return await work()

        task = asyncio.create_task(run())
        self._tasks[key] = task
        task.add_done_callback(lambda done: self._landed(key, done))
        return task

    async def aclose(self) -> None:
        """Stop all work."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _landed(self, key: K, task: asyncio.Task[R]) -> None:
        if self._tasks.get(key) is task:
            del self._tasks[key]
        if not task.cancelled():
            task.exception()  # nobody may have waited: it is not "never retrieved"


class Verdicts(Generic[K, R]):
    """Questions in flight whose asker streams the answer itself, so only the verdict is shared."""

    def __init__(self) -> None:
        self._asked: dict[K, asyncio.Future[R | None]] = {}

    def __len__(self) -> int:
        return len(self._asked)

    def lead(self, key: K) -> asyncio.Future[R | None] | None:
        """Become the one who asks; None where somebody does already.

        Whoever leads must set the result in any case, None when they could not find out.
        """
        if key in self._asked:
            return None
        future: asyncio.Future[R | None] = asyncio.get_running_loop().create_future()
        self._asked[key] = future
        future.add_done_callback(lambda _: self._asked.pop(key, None))
        return future

    async def wait(self, key: K, seconds: float) -> R | None:
        """The verdict of whoever asks. Raises TimeoutError after `seconds`.

        None when the asker could not find out, or nobody asks.
        """
        future = self._asked.get(key)
        if future is None:
            return None
        async with asyncio.timeout(seconds):
            return await asyncio.shield(future)
