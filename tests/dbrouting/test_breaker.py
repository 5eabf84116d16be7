"""The breaker as a table: state, event, next state."""

import pytest

from dbrouting.breaker import Breaker, Policy, State

POLICY = Policy(
    trip_after=3, close_after=2, wait_seconds=1.0, longest_wait_seconds=8.0, settle_seconds=30.0
)
NO_JITTER = 0.5  # the middle of the range: waits as configured

CLOSED = Breaker()
SHAKEN = Breaker(failures=2)
OPEN = Breaker(State.OPEN, trips=1, changed_at=100.0, next_probe_at=101.0)
HALF_OPEN = Breaker(State.HALF_OPEN, trips=1, changed_at=101.0, next_probe_at=101.0)
TRUSTED_ONCE = Breaker(State.HALF_OPEN, successes=1, trips=1, changed_at=101.0)


def fail(breaker: Breaker) -> Breaker:
    return breaker.failed(POLICY, 102.0, NO_JITTER)


def fail_for_good(breaker: Breaker) -> Breaker:
    return breaker.failed(POLICY, 102.0, NO_JITTER, is_definitive=True)


def succeed(breaker: Breaker) -> Breaker:
    return breaker.succeeded(POLICY, 102.0)


def wait(breaker: Breaker) -> Breaker:
    return breaker.due(102.0)


def too_early(breaker: Breaker) -> Breaker:
    return breaker.due(100.5)


@pytest.mark.parametrize(
    ("before", "event", "state"),
    [
        (CLOSED, succeed, State.CLOSED),
        (CLOSED, fail, State.CLOSED),
        (CLOSED, fail_for_good, State.OPEN),
        (CLOSED, wait, State.CLOSED),
        (SHAKEN, fail, State.OPEN),
        (SHAKEN, succeed, State.CLOSED),
        (OPEN, fail, State.OPEN),
        (OPEN, succeed, State.OPEN),
        (OPEN, too_early, State.OPEN),
        (OPEN, wait, State.HALF_OPEN),
        (HALF_OPEN, succeed, State.HALF_OPEN),
        (HALF_OPEN, fail, State.OPEN),
        (HALF_OPEN, wait, State.HALF_OPEN),
        (TRUSTED_ONCE, succeed, State.CLOSED),
        (TRUSTED_ONCE, fail, State.OPEN),
    ],
)
def test_transitions(before, event, state):
    assert event(before).state is state


def test_a_success_forgets_failures():
    assert succeed(SHAKEN) == CLOSED


def test_an_open_breaker_ignores_late_answers():
    assert succeed(OPEN) is OPEN
    assert fail(OPEN) is OPEN


def test_waits_double_up_to_the_longest():
    breaker, waits = CLOSED, []
    now = 0.0
    for _ in range(6):
        breaker = breaker.failed(POLICY, now, NO_JITTER, is_definitive=True)
        waits.append(breaker.next_probe_at - now)
        now = breaker.next_probe_at
        breaker = breaker.due(now)

    assert waits == [1.0, 2.0, 4.0, 8.0, 8.0, 8.0]


def test_closing_soon_does_not_shorten_the_next_wait_but_settling_does():
    def closed_at(now: float) -> Breaker:
        return Breaker(State.CLOSED, trips=3, changed_at=now)

    flapping = closed_at(100.0).failed(POLICY, 110.0, NO_JITTER, is_definitive=True)
    settled = closed_at(100.0).failed(POLICY, 130.0, NO_JITTER, is_definitive=True)

    assert flapping.next_probe_at - 110.0 == 8.0
    assert settled.next_probe_at - 130.0 == 1.0


@pytest.mark.parametrize(("jitter", "wait_seconds"), [(0.0, 0.75), (0.5, 1.0), (0.999, 1.25)])
def test_jitter_spreads_probes_by_a_quarter(jitter, wait_seconds):
    tripped = CLOSED.failed(POLICY, 0.0, jitter, is_definitive=True)

    assert tripped.next_probe_at == pytest.approx(wait_seconds, abs=0.001)


def test_a_night_of_trips_overflows_nothing():
    breaker = Breaker(State.HALF_OPEN, trips=10_000)

    assert fail(breaker).next_probe_at == 102.0 + 8.0
