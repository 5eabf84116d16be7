"""The limit under which the primary stands in for replicas, so that it is not crushed.

Counts reads at once and, with a rate, reads a second (a token bucket), per process.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager


class FallbackLimit:
    """Admits at most `concurrency` reads at once and `rate` a second; others wait or fail."""

    def __init__(self, concurrency: int, rate: float | None, wait_seconds: float) -> None:
        self._slots = threading.BoundedSemaphore(concurrency)
        self._rate = rate
        self._wait_seconds = wait_seconds
        self._lock = threading.Lock()
        # A burst of a second's worth, at least one.
        self._tokens = max(1.0, rate or 0.0)
        self._filled_at = time.monotonic()

    @contextmanager
    def slot(self) -> Iterator[bool]:
        """Hold a slot while the block runs; yields False when there was none in time."""
        deadline = time.monotonic() + self._wait_seconds
        if not self._slots.acquire(timeout=self._wait_seconds):
            yield False
            return
        try:
            yield self._take_token(deadline)
        finally:
            self._slots.release()

    def _take_token(self, deadline: float) -> bool:
        if self._rate is None:
            return True
        while True:
            with self._lock:
                wait = self._claim(self._rate, time.monotonic())
            if wait <= 0:
                return True
            if time.monotonic() + wait > deadline:
                return False
            time.sleep(wait)

    def _claim(self, rate: float, now: float) -> float:
        """Take a token, or say in how many seconds there will be one."""
        full = max(1.0, rate)
        self._tokens = min(full, self._tokens + (now - self._filled_at) * rate)
        self._filled_at = now
        if self._tokens < 1.0:
            return (1.0 - self._tokens) / rate
        self._tokens -= 1.0
        return 0.0
