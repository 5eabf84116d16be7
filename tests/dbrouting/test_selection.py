"""Who serves a read, decided without a server."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dbrouting.selection import LEAST_BAD, Candidate, Resort, Rotation, Strategy, rotate

A, B, C = Candidate("a"), Candidate("b"), Candidate("c")


def names(*candidates: Candidate, turns: int = 6, **options: object) -> list[str | None]:
    rotation = rotate(candidates, **options)
    return [rotation.first(turn) for turn in range(turns)]


def test_round_robin_takes_each_in_turn():
    assert names(A, B, C) == ["a", "b", "c", "a", "b", "c"]


def test_weights_are_spread_smoothly():
    assert names(Candidate("a", weight=3), B, turns=8) == list("aabaaaba")


def test_weight_nought_serves_only_when_nothing_else_does():
    spare = Candidate("spare", weight=0)

    assert names(A, spare, turns=2) == ["a", "a"]
    assert names(Candidate("a", is_closed=False), spare, turns=2) == ["spare", "spare"]


@pytest.mark.parametrize(
    "out",
    [
        Candidate("b", is_closed=False),
        Candidate("b", is_within_bounds=False),
        Candidate("b", is_replica=False),
    ],
)
def test_tripped_lagging_and_promoted_nodes_are_not_in_rotation(out):
    assert set(names(A, out)) == {"a"}


def test_another_zone_is_the_reserve():
    near, far = Candidate("near", zone="x"), Candidate("far", zone="y")

    rotation = rotate([far, near], zone="x")

    assert rotation.cycle == ("near",)
    assert rotation.in_turn(0) == ("near", "far")


def test_another_zone_serves_when_our_own_is_out():
    near, far = Candidate("near", zone="x", is_closed=False), Candidate("far", zone="y")

    assert rotate([far, near], zone="x").cycle == ("far",)


def test_least_lag_takes_the_freshest():
    behind, ahead = Candidate("a", lag_seconds=2.0), Candidate("b", lag_seconds=0.1)

    rotation = rotate([behind, ahead], Strategy.LEAST_LAG)

    assert rotation.in_turn(7) == ("b", "a")


def test_least_lag_does_not_change_for_a_trifle():
    candidates = [Candidate("a", lag_seconds=0.04), Candidate("b", lag_seconds=0.01)]

    assert rotate(candidates, Strategy.LEAST_LAG, previous="a").cycle == ("a",)
    assert rotate(candidates, Strategy.LEAST_LAG, previous="b").cycle == ("b",)


def test_when_all_are_out_the_least_bad_is_known():
    worse = Candidate("worse", is_within_bounds=False, lag_seconds=60.0)
    bad = Candidate("bad", is_within_bounds=False, lag_seconds=20.0)
    later = Candidate("later", is_closed=False, next_probe_at=9.0)
    sooner = Candidate("sooner", is_closed=False, next_probe_at=5.0)

    rotation = rotate([worse, later, bad, sooner])

    assert rotation.first(0) is None
    assert rotation.in_turn(0) == ()
    assert rotation.stale == ("bad", "worse")
    assert rotation.suspect == ("sooner", "later")


def test_the_least_bad_rule_is_written_down():
    assert LEAST_BAD == (
        Resort.ROTATION, Resort.PRIMARY, Resort.STALE, Resort.SUSPECT, Resort.NOTHING,
    )  # fmt: skip


def test_no_nodes_at_all():
    assert rotate([]) == Rotation()


@given(st.lists(st.integers(1, 9), min_size=1, max_size=6), st.integers(0, 10**6))
def test_every_node_is_tried_once_and_shares_are_the_weights(weights, turn):
    candidates = [Candidate(str(i), weight=weight) for i, weight in enumerate(weights)]
    rotation = rotate(candidates)

    assert sorted(rotation.in_turn(turn)) == sorted(c.name for c in candidates)
    total = sum(weights)
    served = [rotation.first(turn + i) for i in range(total)]
    shares = {name: len(list(group)) for name, group in itertools.groupby(sorted(served))}
    assert shares == {c.name: c.weight for c in candidates}
