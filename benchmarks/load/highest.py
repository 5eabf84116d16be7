"""The highest rate that still holds, found by doubling and then narrowing down."""

from __future__ import annotations

from collections.abc import Callable


def highest(holds: Callable[[float], bool], start: float, narrowings: int = 2) -> float:
    """The highest rate seen to hold, from `start` on; 0 when not even a sixteenth of it does.

    `holds` is asked for about log2(result / start) + `narrowings` rates. The result is within a
    factor of 2 ** (1 / 2 ** narrowings) of the rate that no longer holds.
    """
    good, bad = 0.0, start
    if holds(start):
        good = start
        while holds(good * 2):
            good *= 2
        bad = good * 2
    else:
        while bad > start / 16:
            if holds(bad / 2):
                good = bad / 2
                break
            bad /= 2
    for _ in range(narrowings if good else 0):
        middle = (good * bad) ** 0.5
        good, bad = (middle, bad) if holds(middle) else (good, middle)
    return good
