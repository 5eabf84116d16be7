"""How far a replica is behind, in bytes of log and in seconds: pure.

Seconds are measured on one clock only, ours: the history remembers when the primary was seen at
which position, and a replica that has replayed position P is as old as the last moment at which
the primary was not yet beyond P. Comparing the servers' own clocks would measure their skew, and
`now() - pg_last_xact_replay_timestamp()` grows on an idle primary.
"""

from bisect import bisect_right
from dataclasses import dataclass

_NO_LIMIT = float("inf")


@dataclass(frozen=True, slots=True)
class Bounds:
    """Leave rotation above the bounds, come back below `return_ratio` of them (hysteresis)."""

    seconds: float = 10.0
    bytes_behind: int | None = None
    return_ratio: float = 0.5

    def admits(self, lag: "Lag", *, is_in: bool) -> bool:
        """May a node with this lag be (or stay) in rotation?"""
        ratio = 1.0 if is_in else self.return_ratio
        limit = _NO_LIMIT if self.bytes_behind is None else self.bytes_behind * ratio
        return lag.seconds <= self.seconds * ratio and lag.bytes_behind <= limit


@dataclass(frozen=True, slots=True)
class Lag:
    """One measurement."""

    seconds: float = 0.0
    bytes_behind: int = 0


class PrimaryHistory:
    """Where the primary's log was at which time, for as long as `keep_seconds`."""

    def __init__(self, keep_seconds: float = 600.0) -> None:
        self.keep_seconds = keep_seconds
        self._times: list[float] = []
        self._lsns: list[int] = []

    @property
    def latest(self) -> int | None:
        """The newest position seen, or None before the first."""
        return self._lsns[-1] if self._lsns else None

    def add(self, now: float, lsn: int) -> None:
        """Remember that the primary was at `lsn` at `now`.

        A position below the last one is another log (a promotion): the history starts anew.
        """
        if self._lsns and lsn < self._lsns[-1]:
            self._times.clear()
            self._lsns.clear()
        if len(self._lsns) >= 2 and self._lsns[-2] == self._lsns[-1] == lsn:
            self._times[-1] = now  # an idle primary needs its first and last sighting only
            return
        self._times.append(now)
        self._lsns.append(lsn)
        stale = bisect_right(self._times, now - self.keep_seconds)
        # One older entry stays: it is what a lag beyond the history is measured from.
        if stale > 1:
            del self._times[: stale - 1], self._lsns[: stale - 1]

    def lag_of(self, replayed: int, now: float) -> Lag | None:
        """The lag of a replica that has replayed `replayed`; None while nothing is known."""
        if not self._lsns:
            return None
        behind = self._lsns[-1] - replayed
        if behind <= 0:
            return Lag()
        last_equal = bisect_right(self._lsns, replayed) - 1
        return Lag(seconds=max(0.0, now - self._times[max(last_equal, 0)]), bytes_behind=behind)
