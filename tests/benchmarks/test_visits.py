"""Visits are planned beforehand: at the rate that was asked for, and possible to carry out."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest

from benchmarks.load.catalogue import Catalogue
from benchmarks.load.visits import Action, Step, Visit, plan, under_way

CATALOGUE = Catalogue(tuple(f"/en/p/{n}/" for n in range(200)), ("/en/c/a/", "/en/c/b/"))


def planned(rate: float, seconds: float, seed: int = 1) -> list[Visit]:
    return list(plan(rate, seconds, CATALOGUE, random.Random(seed)))


@pytest.mark.parametrize("rate", [5.0, 50.0])
def test_pages_are_due_at_the_rate_from_the_first_second_to_the_last(rate: float) -> None:
    seconds = 10_000 / rate
    due = [step.due for visit in planned(rate, seconds) for step in visit.steps]
    tenth = seconds / 10

    for at in (0, 5, 9):
        count = sum(at * tenth <= moment < (at + 1) * tenth for moment in due)
        assert count == pytest.approx(rate * tenth, rel=0.2)


def test_the_same_seed_plans_the_same() -> None:
    assert planned(20, 30) == planned(20, 30)
    assert planned(20, 30) != planned(20, 30, seed=2)


def test_visits_come_in_the_order_of_their_beginnings_and_pages_in_theirs() -> None:
    visits = planned(20, 60)
    begun_within = [visit.steps[0].due for visit in visits if visit.steps[0].due > 0]

    assert begun_within == sorted(begun_within)
    assert all(a.due <= b.due for visit in visits for a, b in pairwise(visit.steps))
    assert all(visit.steps[0].due >= 0 for visit in visits)
    assert len({visit.number for visit in visits}) == len(visits)


def test_every_step_is_possible() -> None:
    visits = planned(50, 600)
    for visit in visits:
        actions = [step.action for step in visit.steps]
        for before, action in pairwise([None, *actions]):
            if action is Action.ADD:
                assert before is Action.PRODUCT
            if action is Action.LOG_IN:
                assert before is not None
            if action in (Action.LOG_IN, Action.CHECK_OUT):
                assert visit.customer is not None
    done = {step.action for visit in visits for step in visit.steps}

    assert done == set(Action)


def test_a_visit_begun_before_the_run_goes_on_where_it_is() -> None:
    look, product = Step(-3, Action.LOOK, "/a"), Step(-1, Action.PRODUCT, "/p")
    add, basket = Step(0.5, Action.ADD), Step(1.0, Action.BASKET)

    assert under_way(Visit(1, None, True, (look,))) is None
    assert under_way(Visit(1, None, True, (add, basket))) == Visit(1, None, True, (add, basket))
    assert under_way(Visit(1, None, True, (look, basket))) == Visit(1, None, True, (basket,))
    # the form stood on the product's page
    again = Step(0.0, Action.PRODUCT, "/p")
    visit = Visit(1, None, True, (look, product, add, basket))
    assert under_way(visit) == Visit(1, None, True, (again, add, basket))


def test_products_are_chosen_by_zipfs_law() -> None:
    chance = random.Random(3)
    chosen = [CATALOGUE.product(chance) for _ in range(20_000)]
    first, tenth = chosen.count("/en/p/0/"), chosen.count("/en/p/9/")

    assert first / len(chosen) == pytest.approx(0.131, rel=0.1)  # log(2) / log(200)
    assert first / tenth == pytest.approx(7.3, rel=0.25)  # log(2) / log(11 / 10)
    assert set(chosen) == set(CATALOGUE.products)
