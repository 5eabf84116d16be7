"""Latencies in an HdrHistogram: three significant digits from a microsecond to two minutes."""

from __future__ import annotations

from typing import Final

from hdrh.histogram import HdrHistogram

PERCENTILES: Final = (50.0, 75.0, 90.0, 99.0, 99.9, 99.99)
_LARGEST: Final = 120_000_000


class Latencies:
    """Seconds in, milliseconds by percentile out.

    Each counts from when its request was due, so nothing that was omitted need be put back in.
    """

    def __init__(self) -> None:
        self._histogram = HdrHistogram(1, _LARGEST, 3)

    def __len__(self) -> int:
        return int(self._histogram.get_total_count())

    def add(self, seconds: float) -> None:
        """Count one."""
        self._histogram.record_value(_microseconds(seconds))

    def percentile(self, percentile: float) -> float:
        """Milliseconds within which so many per cent were served."""
        return float(self._histogram.get_value_at_percentile(percentile)) / 1000

    def metrics(self) -> dict[str, float]:
        """`p50_ms`, `p99_9_ms` and so on, and `max_ms`; nothing when nothing was counted.

        Percentiles above the 99.9th only where at least one measured page lies beyond them.
        """
        if not len(self):
            return {}
        told = [p for p in PERCENTILES if p <= 99.9 or len(self) * (100 - p) >= 100]
        row = {name_of(percentile): self.percentile(percentile) for percentile in told}
        return row | {"max_ms": float(self._histogram.get_max_value()) / 1000}


def name_of(percentile: float) -> str:
    """The metric of a percentile: 99.9 is `p99_9_ms`."""
    return f"p{percentile:g}_ms".replace(".", "_")


def _microseconds(seconds: float) -> int:
    return min(_LARGEST, max(1, round(seconds * 1_000_000)))
