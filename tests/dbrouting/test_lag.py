"""Lag by one clock and by bytes, and hysteresis at the bounds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dbrouting.lag import Bounds, Lag, PrimaryHistory


def history(*sightings: tuple[float, int]) -> PrimaryHistory:
    seen = PrimaryHistory()
    for now, lsn in sightings:
        seen.add(now, lsn)
    return seen


def test_nothing_is_known_before_the_first_sighting():
    assert PrimaryHistory().lag_of(5, 0.0) is None


def test_a_replica_that_has_all_is_not_behind_however_idle_the_primary():
    assert history((0.0, 100)).lag_of(100, 9999.0) == Lag(0.0, 0)
    assert history((0.0, 100)).lag_of(120, 1.0) == Lag(0.0, 0)


def test_lag_counts_from_the_last_moment_it_was_level():
    seen = history((0.0, 100), (1.0, 200), (2.0, 300))

    assert seen.lag_of(200, 2.5) == Lag(1.5, 100)
    assert seen.lag_of(250, 2.5) == Lag(1.5, 50)


def test_an_idle_stretch_does_not_count():
    seen = history((0.0, 100), (1.0, 100), (50.0, 100), (51.0, 200))

    assert seen.lag_of(100, 52.0) == Lag(2.0, 100)


def test_beyond_the_history_lag_is_at_least_as_long_as_it():
    seen = PrimaryHistory(keep_seconds=10.0)
    for second in range(100):
        seen.add(float(second), second * 10)

    lag = seen.lag_of(5, 99.0)

    assert lag is not None
    assert lag.seconds >= 10.0


def test_a_new_log_begins_a_new_history():
    seen = history((0.0, 500), (1.0, 90))

    assert seen.latest == 90
    assert seen.lag_of(90, 2.0) == Lag(0.0, 0)


@pytest.mark.parametrize(
    ("lag", "is_in", "admitted"),
    [
        (Lag(9.9, 0), True, True),
        (Lag(10.1, 0), True, False),
        (Lag(9.9, 0), False, False),
        (Lag(5.0, 0), False, True),
        (Lag(0.0, 1001), True, False),
        (Lag(0.0, 900), True, True),
        (Lag(0.0, 900), False, False),
        (Lag(0.0, 500), False, True),
    ],
)
def test_leaving_and_coming_back_have_different_bounds(lag, is_in, admitted):
    bounds = Bounds(seconds=10.0, bytes_behind=1000, return_ratio=0.5)

    assert bounds.admits(lag, is_in=is_in) is admitted


@given(st.lists(st.tuples(st.floats(0.1, 30), st.integers(0, 1000)), min_size=1, max_size=80))
def test_the_history_stays_sorted_and_bounded(steps):
    seen, now, lsn = PrimaryHistory(keep_seconds=60.0), 0.0, 0
    for pause, growth in steps:
        now, lsn = now + pause, lsn + growth
        seen.add(now, lsn)
        lag = seen.lag_of(lsn, now)
        assert lag == Lag()
        assert len(seen._times) <= 60.0 / 0.1 + 2
