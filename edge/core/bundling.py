"""Which fragments of a page share a bundle: who is known to hold others back goes alone.

Most origins render blocking fragments of a bundle one after another: a slow one keeps waiting
whatever comes after it. Coroutines run together and hold back nobody, so a bundle of their own
would only cost. Which is which shows in when frames arrive and how long each says it took.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

T = TypeVar("T")

_WEIGHT: Final = 0.25
"""Of a new observation; older ones fade."""

FORGET: Final = 300.0
"""Seconds after which "it holds others back" is to be seen anew: who goes alone shows nothing."""


@dataclass(frozen=True, slots=True)
class Rendered:
    """One frame as it came: `arrived` by the edge's clock, `took` by the origin's, in seconds."""

    name: str
    arrived: float
    took: float

    @property
    def began(self) -> float:
        """When its rendering began."""
        return self.arrived - self.took

    def holds(self, last_began: float, last_arrived: float) -> bool | None:
        """Whether another had to wait for it, by when the last of the others began and came.

        One that began in the second half of this rendering, or later, has waited. None where
        the others were all done by then: nobody was left who could have waited.
        """
        halfway = self.arrived - self.took / 2
        if last_began >= halfway:
            return True
        return False if last_arrived > halfway else None


@dataclass(frozen=True, slots=True)
class Slowness:
    """What is known of a fragment: decayed means of its seconds, and of holding others back."""

    seconds: float
    holds: float
    held_at: float

    def holding(self, now: float) -> float:
        """Seconds for which it keeps others waiting; 0 where it does not, or not that is known."""
        return self.seconds if self.holds >= 0.5 and now < self.held_at + FORGET else 0.0

    def learned(self, seconds: float, holds: bool | None, now: float) -> Slowness:
        """After one more frame; `holds` is None where it had no company to hold back."""
        mean = self.seconds + _WEIGHT * (seconds - self.seconds)
        if holds is None:
            return Slowness(mean, self.holds, self.held_at)
        share = self.holds + _WEIGHT * (float(holds) - self.holds)
        return Slowness(mean, share, now if holds else self.held_at)


def first_seen(seconds: float, holds: bool | None, now: float) -> Slowness:
    """What one frame tells of a fragment that nothing is known of."""
    return Slowness(seconds, float(holds or False), now)


def who_held(frames: Sequence[Rendered]) -> list[bool | None]:
    """For each frame of a bundle, whether another waited for it; None where that does not show."""
    if len(frames) < 2:
        return [None] * len(frames)
    began = _last_of_others([frame.began for frame in frames])
    arrived = _last_of_others([frame.arrived for frame in frames])
    return [frame.holds(*last) for frame, *last in zip(frames, began, arrived, strict=True)]


def _last_of_others(moments: Sequence[float]) -> list[float]:
    """For each, the latest of all but itself."""
    latest, runner_up = sorted(range(len(moments)), key=lambda n: -moments[n])[:2]
    return [moments[runner_up if n == latest else latest] for n in range(len(moments))]


def split(
    asks: Sequence[T], holding: Callable[[T], float], bound: float, limit: int
) -> list[list[T]]:
    """`asks` in at most `limit` bundles: the first for what is quick or unknown.

    Those that keep others waiting for `bound` seconds or more have the other bundles, each one's
    total as even as can be. All bundles keep the order of the page.
    """
    slow = {number: held for number, ask in enumerate(asks) if (held := holding(ask)) >= bound}
    quick = [number for number in range(len(asks)) if number not in slow]
    lanes = min(limit - bool(quick), len(slow))
    if lanes < 1 or len(asks) < 2:
        return [list(asks)] if asks else []
    totals = [0.0] * lanes
    chosen: list[list[int]] = [[] for _ in range(lanes)]
    for number in sorted(slow, key=lambda n: -slow[n]):  # longest first evens out best
        lane = totals.index(min(totals))
        totals[lane] += slow[number]
        chosen[lane].append(number)
    bundles = ([quick] if quick else []) + chosen
    return [[asks[number] for number in sorted(bundle)] for bundle in bundles]
