"""Whether a series of samples goes on growing, or has levelled out."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

Series = Sequence[tuple[float, float]]
"""Seconds and value, in order of time."""


def share_gained(series: Series) -> float:
    """By which share of itself the last quarter lies above the second one; 0 when it is below.

    Medians of quarters: the first fills caches, and one peak is no growth.
    """
    quarter = len(series) // 4
    if not quarter:
        return 0.0
    values = [value for _, value in series]
    before = statistics.median(values[quarter : 2 * quarter])
    after = statistics.median(values[-quarter:])
    return max(0.0, after / before - 1) if before else 0.0
