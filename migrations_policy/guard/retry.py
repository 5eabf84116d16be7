"""When to try again for a lock. Pure: randomness is an argument."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Backoff:
    """Exponential back-off with full jitter, in seconds; `attempts` counts the first try too."""

    attempts: int = 10
    base: float = 1.0
    cap: float = 30.0

    def delay(self, attempt: int, random: float) -> float:
        """Return the pause after failed try `attempt` (from 1); `random` is in [0, 1)."""
        ceiling = min(self.cap, self.base * 2.0 ** (attempt - 1))
        return float(ceiling) * (0.5 + random / 2)

    def is_last(self, attempt: int) -> bool:
        """Return whether no try is left after `attempt`."""
        return attempt >= self.attempts
