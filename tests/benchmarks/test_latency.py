"""Latencies: three digits, and percentiles only where they mean something."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.load.latency import Latencies, name_of


@given(st.lists(st.floats(1e-5, 100), min_size=1, max_size=50))
def test_percentiles_are_those_of_the_values_to_three_digits(values: list[float]) -> None:
    latencies = Latencies()
    for value in values:
        latencies.add(value)

    assert len(latencies) == len(values)
    assert latencies.percentile(100) == pytest.approx(max(values) * 1000, rel=2e-3, abs=2e-3)
    assert latencies.metrics()["p50_ms"] <= latencies.metrics()["p99_ms"]


def test_the_99_99th_percentile_needs_ten_thousand_pages() -> None:
    few, many = Latencies(), Latencies()
    for number in range(10_000):
        many.add(number / 1e6)
        if number < 9_999:
            few.add(number / 1e6)

    assert "p99_99_ms" in many.metrics()
    assert "p99_99_ms" not in few.metrics()
    assert "p99_9_ms" in few.metrics()


def test_nothing_counted_says_nothing() -> None:
    assert Latencies().metrics() == {}


@pytest.mark.parametrize(
    ("percentile", "name"), [(50.0, "p50_ms"), (99.9, "p99_9_ms"), (99.99, "p99_99_ms")]
)
def test_metrics_are_named_after_percentiles(percentile: float, name: str) -> None:
    assert name_of(percentile) == name


def test_what_takes_longer_than_can_be_told_is_the_longest() -> None:
    latencies = Latencies()
    latencies.add(1e9)

    assert latencies.metrics()["max_ms"] == pytest.approx(120_000, rel=1e-3)
