"""At most so many pages a second, over all processes together."""

from __future__ import annotations

import time
from collections.abc import Callable
from multiprocessing.sharedctypes import Synchronized


class Pace:
    """Hands out turns to single pages, `rate` of them a second; 0: whenever they like.

    `turn`: when the next one is, by `clock`, in memory that the processes share. Turns that nobody
    took are lost, so no burst follows a slow page.
    """

    def __init__(
        self,
        rate: float,
        turn: Synchronized[float],
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self.rate = rate
        self._turn = turn
        self._clock = clock
        self._sleep = sleep

    def hold(self) -> None:
        """Wait for the turn of one page."""
        if not self.rate:
            return
        with self._turn.get_lock():
            now = self._clock()
            mine = max(self._turn.value, now)
            self._turn.value = mine + 1 / self.rate
        if mine > now:
            self._sleep(mine - now)
