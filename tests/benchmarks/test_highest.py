"""The highest rate that holds, and whether samples go on growing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.load.growth import share_gained
from benchmarks.load.highest import highest


@given(st.floats(1.0, 10_000))
def test_it_is_found_to_a_fifth(limit: float) -> None:
    found = highest(lambda rate: rate <= limit, 10)

    assert found <= limit < found * 2**0.25 * 1.001


def test_nothing_holds() -> None:
    asked: list[float] = []

    assert highest(lambda rate: bool(asked.append(rate)), 16) == 0
    assert asked == [16, 8, 4, 2, 1]


def line(*values: float) -> list[tuple[float, float]]:
    return [(10.0 * at, value) for at, value in enumerate(values)]


def test_filling_a_cache_is_no_growth() -> None:
    assert share_gained(line(1, 50, 100, 100, 101, 100, 99, 100)) == 0


def test_a_peak_is_no_growth() -> None:
    assert share_gained(line(*[100.0] * 11, 900)) == 0


def test_a_leak_is_growth() -> None:
    assert share_gained(line(*range(100, 200))) == pytest.approx(50 / 137, rel=0.02)


@pytest.mark.parametrize("values", [(), (1, 2, 3), (0, 0, 0, 0)])
def test_too_few_samples_say_nothing(values: tuple[float, ...]) -> None:
    assert share_gained(line(*values)) == 0
