"""The pure decision on a hit: see benchmarks/hit_decision.py. No process, no socket, no clock."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Final

from ..hit_decision import BUDGET, seconds_per_decision
from ..results import Goal, Measurement
from ..scenario import Contestant, Scenario

_LARGE: Final = 100
"""Directives, groups and routes that nobody looks at on a hit."""


@contextmanager
def _size(size: int) -> Iterator[str]:
    yield str(size)


def _measure(target: str, seconds: float) -> Measurement:
    number = max(1000, round(seconds / BUDGET / 10))
    return {"microseconds": seconds_per_decision(int(target), rounds=3, number=number) * 1e6}


SCENARIO = Scenario(
    name="decision",
    what="Key, variant, freshness, conditions, Cache-Status and Age of a hit; microseconds.",
    contestants=(
        Contestant("twopass", "a page that says no more than it must", partial(_size, 0)),
        Contestant(
            "twopass-100", "with 100 further directives, groups and routes", partial(_size, _LARGE)
        ),
    ),
    measure=_measure,
    check=lambda name, target: None,
    goals=(
        Goal("one decision, microseconds", "twopass", "microseconds", at_most=BUDGET * 1e6),
        Goal(
            "it does not grow with rules, groups and routes",
            "twopass-100", "microseconds", at_most=1.1, against=("twopass",),
        ),
    ),
    seconds=1.0,
    rounds=5,
)  # fmt: skip
