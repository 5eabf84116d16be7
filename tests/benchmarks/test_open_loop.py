"""Pages count from when they were due; who gets another's page ends the run."""

from __future__ import annotations

import time
from typing import Any

import pytest

from benchmarks.load.browsing import Leaked
from benchmarks.load.open_loop import Crowd, Tally, run
from benchmarks.load.visits import Action, Step, Visit
from benchmarks.shop.customers import Customer

NORA = Customer("Nora", "nora@shop.example", {"sessionid": "n"})
Shop = Any
"""The fixture of that name: a server that answers by a function of path and Cookie."""


def visit(*due: float, customer: int | None = None) -> Visit:
    steps = tuple(Step(moment, Action.LOOK, f"/{at}") for at, moment in enumerate(due))
    return Visit(0, customer, True, steps)


def test_a_page_that_had_to_wait_for_the_one_before_has_waited_since_it_was_due(shop: Shop) -> None:
    def slow(_path: str, _cookie: str) -> tuple[int, bytes]:
        time.sleep(0.2)
        return 200, b"page"

    tally = Tally(0, 10)
    with shop(slow) as base:
        run(Crowd(base, ()), [visit(0.0, 0.01, 0.02)], tally, 10)

    # 0.2 each, one after the other: the last was due at 0.02 and came at 0.6
    assert len(tally.latencies) == 3
    assert tally.latencies.percentile(100) >= 570
    assert tally.failures == []


def test_one_stall_counts_for_all_who_waited_through_it(shop: Shop) -> None:
    """A closed loop would tell of one slow page among ten: the others would not have been sent."""

    def stalls_once(path: str, _cookie: str) -> tuple[int, bytes]:
        if path == "/1":
            time.sleep(1.0)
        return 200, b"page"

    tally = Tally(0, 10)
    with shop(stalls_once) as base:
        run(Crowd(base, ()), [visit(*(at / 10 for at in range(10)))], tally, 10)

    assert len(tally.latencies) == 10
    assert tally.latencies.percentile(50) >= 450
    assert tally.latencies.percentile(90) >= 850


def test_only_pages_due_within_the_window_count(shop: Shop) -> None:
    tally = Tally(0.05, 0.15)
    with shop(lambda path, cookie: (200, b"page")) as base:
        run(Crowd(base, ()), [visit(0.0, 0.1, 0.2)], tally, 10)

    assert len(tally.latencies) == 1


def test_who_is_turned_away_misses_the_pages_still_to_come(shop: Shop) -> None:
    tally = Tally(0, 10)
    with shop(lambda path, cookie: (503 if path == "/1" else 200, b"page")) as base:
        run(Crowd(base, ()), [visit(0.0, 0.01, 0.02)], tally, 10)

    assert len(tally.latencies) == 1
    assert tally.failures == ["Failed: /1 answered 503"] * 2
    assert tally.failed_share == pytest.approx(2 / 3)


@pytest.mark.parametrize(
    ("customer", "body"),
    [(0, b"<span>Hello, Emil</span>"), (None, b"<span>Hello, Nora</span>")],
)
def test_a_page_of_somebody_else_ends_the_run(
    shop: Shop, customer: int | None, body: bytes
) -> None:
    with shop(lambda path, cookie: (200, body)) as base, pytest.raises(Leaked):
        run(Crowd(base, [NORA]), [visit(0.0, customer=customer)], Tally(0, 10), 10)


def test_a_customer_brings_the_session_along(shop: Shop) -> None:
    tally = Tally(0, 10)

    def answer(_path: str, cookie: str) -> tuple[int, bytes]:
        return 200, b"<span>Hello, Nora</span>" if "sessionid=n" in cookie else b"log in"

    with shop(answer) as base:
        run(Crowd(base, [NORA]), [visit(0.0, customer=0), visit(0.0)], tally, 10)

    assert (len(tally.latencies), tally.failures) == (2, [])


def test_what_runs_beside_is_called_and_its_errors_are_not_lost(shop: Shop) -> None:
    seen: list[float] = []
    with shop(lambda path, cookie: (200, b"page")) as base:
        run(Crowd(base, ()), [visit(0.0, 0.1)], Tally(0, 10), 10, seen.append)
        assert seen

        def broken(_now: float) -> None:
            raise OSError("the admin port is gone")

        with pytest.raises(OSError, match="admin port"):
            run(Crowd(base, ()), [visit(0.0, 0.3)], Tally(0, 10), 10, broken)
