"""The origin's health as a breaker: closed, open, half-open.

It spares visitors the wait for fragments that will not come. It never keeps a visitor's own request
from the origin: that may be the one that succeeds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

State = Literal["closed", "open", "half-open"]


@dataclass(slots=True)
class Health:
    """Trips after `threshold` failures in a row, for `pause` seconds; then one probe decides."""

    threshold: int = 5
    pause: float = 1.0
    failures: int = 0
    failed_at: float | None = None
    answered_at: float | None = None
    _open_until: float = 0.0

    def state(self, now: float) -> State:
        """Where the breaker stands."""
        if self.failures < self.threshold:
            return "closed"
        return "open" if now < self._open_until else "half-open"

    def may_try(self, now: float) -> bool:
        """Whether something that can be done without should be asked for.

        In the half-open state the first to ask is the probe; the others wait for its outcome.
        """
        state = self.state(now)
        if state == "half-open":
            self._open_until = now + self.pause
        return state != "open"

    def answered(self, now: float) -> None:
        """Take note of an answer, whatever it says: the origin is there."""
        self.failures = 0
        self.answered_at = now

    def failed(self, now: float) -> None:
        """Take note of a request without an answer."""
        self.failures += 1
        self.failed_at = now
        self._open_until = now + self.pause
