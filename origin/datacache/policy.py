"""When a stored value is fresh, stale or of no use. Pure: time and chance are arguments."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple


@dataclass(frozen=True, slots=True)
class Policy:
    """What a declaration says of freshness. Durations in seconds.

    `max_age`: how long a value is fresh. `stale`: how much longer it may be shown while somebody
    loads it anew (RFC 5861's stale-while-revalidate).
    """

    max_age: float
    stale: float = 0.0

    def __post_init__(self) -> None:
        for name in ("max_age", "stale"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
                raise ValueError(f"{name} is {value!r}, but must be seconds, 0 or more")
        if self.max_age == 0:
            raise ValueError("max_age=0 caches nothing: leave the declaration away")

    def life(self, longest: float) -> float:
        """How long the value may be kept at all."""
        return min(self.max_age + self.stale, longest)


class Freshness(NamedTuple):
    """Until when one stored value is good, on the clock that `now` comes from."""

    loaded_at: float
    fresh_until: float
    usable_until: float
    load_seconds: float

    def is_fresh(self, now: float) -> bool:
        """Whether it may be used without asking."""
        return now < self.fresh_until

    def is_usable(self, now: float) -> bool:
        """Whether it may be shown, fresh or while it is loaded anew."""
        return now < self.usable_until

    def left(self, now: float) -> float:
        """Seconds of freshness that remain."""
        return max(0.0, self.fresh_until - now)

    def early(self, beta: float, chance: float) -> float:
        """When this reader is to renew it before it expires: XFetch.

        The longer a load takes, the earlier; `chance` in (0, 1] keeps readers apart (Vattani,
        Chierichetti, Lowenstein: Optimal Probabilistic Cache Stampede Prevention, VLDB 2015). At
        most half of the lifetime is given up, however slow the load.
        """
        ahead = -self.load_seconds * beta * math.log(chance)
        return max(self.fresh_until - ahead, (self.loaded_at + self.fresh_until) / 2)


def strictest(ages: Iterable[float | None]) -> float | None:
    """The shortest of some ages; None stands for no bound."""
    return min((age for age in ages if age is not None), default=None)
