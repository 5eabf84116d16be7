"""The table of visits: bounded, fading, and right about who is visited most."""

from __future__ import annotations

import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.core.visits import (
    FORGOTTEN,
    HALF_LIFE,
    MAX_URL,
    PageVisits,
    Visited,
    Visits,
    added_up,
    is_visit,
)

NOW = 1_000_000.0


class Dropped:
    def __init__(self) -> None:
        self.times = 0

    def __call__(self) -> None:
        self.times += 1


def table(limit: int = 10) -> tuple[Visits, Dropped]:
    dropped = Dropped()
    return Visits(dropped, limit), dropped


def visit(visits: Visits, url: str, times: int = 1) -> None:
    for _ in range(times):
        visits.add(url.encode())


def test_the_most_visited_come_first() -> None:
    visits, _ = table()
    for url, times in (("http://a/1", 1), ("http://a/2", 3), ("http://b/", 2)):
        visit(visits, url, times)

    assert visits.top(NOW) == [("http://a/2", 3), ("http://b/", 2), ("http://a/1", 1)]
    assert visits.top(NOW, limit=1) == [("http://a/2", 3)]
    assert visits.top(NOW, "http://a/", 1) == [("http://a/2", 3)]
    assert visits.top(NOW, "http://a/é") == []
    assert visits.top(NOW, limit=0) == []


def test_a_visit_counts_half_after_a_half_life() -> None:
    visits, _ = table()
    visit(visits, "http://a/old", 8)
    visits.fold(NOW)
    visit(visits, "http://a/new", 5)

    assert visits.top(NOW + HALF_LIFE / 2)[0].url == "http://a/old"
    visit(visits, "http://a/new", 1)
    later = visits.top(NOW + HALF_LIFE)

    assert [row.url for row in later] == ["http://a/new", "http://a/old"]
    assert later[1].visits == pytest.approx(4.0)


def test_folding_often_and_once_comes_to_the_same() -> None:
    often, once = table()[0], table()[0]
    for visits in (often, once):
        visit(visits, "http://a/", 4)
        visits.fold(NOW)
    for hour in range(1, 25):
        often.fold(NOW + 3600 * hour)

    assert often.top(NOW + 86400)[0].visits == pytest.approx(once.top(NOW + 86400)[0].visits)


def test_a_clock_that_is_set_back_fades_and_loses_nothing() -> None:
    visits, _ = table()
    visit(visits, "http://a/", 4)
    visits.fold(NOW)
    visit(visits, "http://a/")

    assert visits.top(NOW - 1000) == [("http://a/", 5)]
    visits.fold(NOW - 5000)
    assert visits.top(NOW - 5000) == [("http://a/", 5)]


def test_what_nobody_visits_any_more_is_let_go() -> None:
    visits, dropped = table()
    visit(visits, "http://a/")
    visits.fold(NOW)

    assert visits.top(NOW + 9 * HALF_LIFE)[0].visits > FORGOTTEN
    assert not dropped.times
    assert visits.top(NOW + 11 * HALF_LIFE) == []
    assert (len(visits), dropped.times) == (0, 1)


def test_a_scan_makes_it_no_larger_and_drives_out_nobody_who_is_visited() -> None:
    visits, dropped = table(100)
    for number in range(80):
        visit(visits, f"http://a/{number}", 2 + number)
    for number in range(5000):
        visit(visits, f"http://scan/{number}")
        assert len(visits) <= 113

    assert dropped.times
    first = visits.top(NOW, limit=80)
    assert first == [(f"http://a/{number}", 2 + number) for number in reversed(range(80))]


def test_long_urls_are_not_counted() -> None:
    visits, _ = table()
    longest = "http://a/" + "x" * (MAX_URL - 9)
    visit(visits, longest)
    visit(visits, longest + "x", 5)
    held = visits.of(b"y" * (MAX_URL + 1))
    held.fresh += 1

    assert visits.again(held) is held
    assert visits.top(NOW) == [(longest, 1)]


def test_who_holds_a_count_that_was_let_go_gets_the_one_that_counts() -> None:
    visits, dropped = table(4)
    held = visits.of(b"http://a/held")
    assert visits.again(held) is held
    for number in range(6):
        visit(visits, f"http://a/{number}", 2)

    assert dropped.times
    assert not held.is_kept
    again = visits.again(held)
    again.fresh += 9
    assert visits.again(held) is again
    assert visits.top(NOW)[0] == ("http://a/held", 9)


@given(st.lists(st.integers(0, 30), max_size=300), st.integers(0, 2**32))
def test_within_its_bound_it_counts_exactly(asked: list[int], seed: int) -> None:
    """However often it folds, and whether by `add` or on a count that somebody holds."""
    visits, _ = table(31)
    chance, held = random.Random(seed), dict[int, Visited]()
    for number in asked:
        if chance.random() < 0.5:
            visits.add(b"http://a/%d" % number)
        else:
            held[number] = visits.again(held.get(number) or visits.of(b"http://a/%d" % number))
            held[number].fresh += 1
        if chance.random() < 0.1:
            visits.top(NOW)

    assert dict(visits.top(NOW)) == {f"http://a/{n}": c for n, c in Counter(asked).items()}


def test_tables_are_added_up() -> None:
    one = [PageVisits("http://a/1", 3.0), PageVisits("http://a/2", 2.0)]
    other = [PageVisits("http://a/2", 2.0), PageVisits("http://a/3", 1.0)]

    assert added_up([one, other], 2) == [("http://a/2", 4.0), ("http://a/1", 3.0)]
    assert added_up([], 2) == []


@pytest.mark.parametrize(
    ("value", "expected"),
    [(None, True), (b"", True), (b"prefetch", False), (b"Prefetch;prerender", False)],
)
def test_what_is_fetched_ahead_is_no_visit(value: bytes | None, expected: bool) -> None:
    assert is_visit([] if value is None else [(b"sec-purpose", value)]) is expected
