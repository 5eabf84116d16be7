"""A circuit breaker for one node: pure, as one table of (state, event).

    state       failure                     success                      due
    closed      count; trip at the limit    forget the count             -
    open        stay                        stay (late answer of a link) → half-open
    half-open   trip again, wait longer     count; close at the limit    stay

Nobody's query is ever the probe: the monitor asks `next_probe_at`, probes in the background and
reports. The waits double from trip to trip and shrink back only after the node has been closed
for `settle_seconds`; that, and closing only after several good probes, is why it does not flap.
Time (`now`) and chance (`jitter`, 0 ≤ jitter < 1) are arguments.
"""

from dataclasses import dataclass, replace
from enum import Enum


class State(Enum):
    """What the breaker lets through."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half-open"


@dataclass(frozen=True, slots=True)
class Policy:
    """When to trip and when to trust again (seconds)."""

    trip_after: int = 3
    close_after: int = 2
    wait_seconds: float = 0.5
    longest_wait_seconds: float = 15.0
    settle_seconds: float = 30.0


@dataclass(frozen=True, slots=True)
class Breaker:
    """The state of one node's breaker; events return the next one."""

    state: State = State.CLOSED
    failures: int = 0
    successes: int = 0
    trips: int = 0
    changed_at: float = 0.0
    next_probe_at: float = 0.0

    @property
    def is_closed(self) -> bool:
        """May queries use the node?"""
        return self.state is State.CLOSED

    def failed(
        self, policy: Policy, now: float, jitter: float, *, is_definitive: bool = False
    ) -> "Breaker":
        """Count a failure; a definitive one (refused, hung, no such host) trips at once."""
        match self.state:
            case State.CLOSED:
                failures = self.failures + 1
                if is_definitive or failures >= policy.trip_after:
                    return self._tripped(policy, now, jitter)
                return replace(self, failures=failures)
            case State.HALF_OPEN:
                return self._tripped(policy, now, jitter)
            case State.OPEN:
                return self

    def succeeded(self, policy: Policy, now: float) -> "Breaker":
        """Count a good answer: clears a closed breaker, closes a half-open one in the end."""
        match self.state:
            case State.CLOSED:
                return replace(self, failures=0) if self.failures else self
            case State.HALF_OPEN:
                successes = self.successes + 1
                if successes < policy.close_after:
                    return replace(self, successes=successes, next_probe_at=now)
                return replace(self, state=State.CLOSED, failures=0, successes=0, changed_at=now)
            case State.OPEN:
                return self

    def due(self, now: float) -> "Breaker":
        """Go half-open once the wait is over, so that the monitor may probe."""
        if self.state is State.OPEN and now >= self.next_probe_at:
            return replace(self, state=State.HALF_OPEN, successes=0, changed_at=now)
        return self

    def _tripped(self, policy: Policy, now: float, jitter: float) -> "Breaker":
        was_stable = self.state is State.CLOSED and now - self.changed_at >= policy.settle_seconds
        trips = 1 if was_stable else self.trips + 1
        # Doubling stops early, so that a node that was down all night is no float overflow.
        wait = min(policy.wait_seconds * 2 ** min(trips - 1, 16), policy.longest_wait_seconds)
        # ±25 %, so that the processes of a site do not probe in step.
        wait *= 0.75 + 0.5 * jitter
        return Breaker(state=State.OPEN, trips=trips, changed_at=now, next_probe_at=now + wait)
