"""May the primary stand in for replicas? A breaker of its own, so that nobody waits for a dead one.

With all replicas out, every read would else try a primary that refuses or hangs before it took the
least stale replica. Background probes of the primary's hosts trip it and close it; a failed
stand-in trips it at once.
"""

import random
import threading
import time

from .breaker import Breaker, Policy


class PrimaryHealth:
    """What this process knows about the primary's alias."""

    def __init__(self, policy: Policy) -> None:
        self.last_failure = ""
        self._policy = policy
        self._lock = threading.Lock()
        self._breaker = Breaker()
        self._is_answering: dict[str, bool] = {}

    @property
    def may_serve(self) -> bool:
        """Is it worth asking?"""
        return self._breaker.is_closed

    def host_probed(self, name: str, detail: str = "") -> None:
        """A host of the alias was probed; `detail` says why it is no primary, if it is none."""
        with self._lock:
            self._is_answering[name] = not detail
            if not detail:
                self._close()
            elif not any(self._is_answering.values()):
                self._trip(detail)

    def failed(self, detail: str, *, is_definitive: bool) -> None:
        """A read that it was to serve failed there; definitive: there was not even a link."""
        with self._lock:
            if is_definitive:
                self._trip(detail)
                return
            self.last_failure = detail
            self._breaker = self._breaker.failed(self._policy, time.monotonic(), 0.5)

    def succeeded(self) -> None:
        """A read was served."""
        if not self._breaker.is_closed or self._breaker.failures:
            with self._lock:
                self._close()

    def after_fork(self) -> None:
        """Replace the lock in a child."""
        self._lock = threading.Lock()

    def _trip(self, detail: str) -> None:
        self.last_failure = detail
        jitter = random.random()  # noqa: S311 - spreads probes, guards nothing
        now = time.monotonic()
        self._breaker = self._breaker.failed(self._policy, now, jitter, is_definitive=True)

    def _close(self) -> None:
        # A writable primary has answered: one such answer is enough.
        self._breaker = Breaker(changed_at=time.monotonic())
