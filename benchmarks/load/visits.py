"""What visitors of the storefront mean to do and when, planned whatever the server does.

Visits begin at a constant mean rate (a Poisson process: nobody waits for others). Each page of a
visit is due at its own moment, fixed in advance by the visitor's thinking times. A server that is
slow does not slow the visitors down: a page that could not be asked for when it was due has waited
from then on. That is what corrects the latencies for coordinated omission.
"""

from __future__ import annotations

import heapq
import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import Enum
from typing import Final, NamedTuple

from .catalogue import HOME, SEARCHES, Catalogue

THINKING: Final = 1.0
"""Seconds between two pages of a visitor, on average. Short, so that short runs are steady."""
SIGNED_IN: Final = 0.35
"""Visits of customers who come with a session."""
LOGS_IN: Final = 0.01
"""Visits in which somebody logs in by the form; a password costs the origin a third of a second."""
ADDS: Final = 0.25
CHECKS_OUT: Final = 0.3
"""Of the customers with a session who put something into the basket."""
AGREES: Final = 0.5
"""Visitors whose browser is allowed to remember what they have seen."""
LONGEST: Final = 30.0
"""Seconds before a run in which visits began that may still be under way."""
_FEWEST, _MOST = 3, 9


class Action(Enum):
    """What one page of a visit is."""

    LOOK = "look"
    PRODUCT = "product"
    ADD = "add"
    BASKET = "basket"
    LOG_IN = "log in"
    CHECK_OUT = "check out"


@dataclass(frozen=True, slots=True)
class Step:
    """A page, and the second of the run at which it is due."""

    due: float
    action: Action
    path: str = ""


@dataclass(frozen=True, slots=True)
class Visit:
    """One visitor's pages in order. `customer` is the number of an account, None for strangers."""

    number: int
    customer: int | None
    agrees: bool
    steps: tuple[Step, ...]


def plan(
    rate: float, seconds: float, catalogue: Catalogue, chance: random.Random
) -> Iterator[Visit]:
    """Visits that make `rate` pages a second altogether, in the order of their first pages.

    Some have begun before the run, so that as many are under way at its start as at its end.
    """
    begins, number = -LONGEST, 0
    between = _mean_pages() / rate
    begun: list[_Queued] = []
    while (begins := begins + chance.expovariate(1 / between)) < seconds:
        visit = under_way(_visit(number, begins, catalogue, chance))
        number += 1
        if visit is None:
            continue
        heapq.heappush(begun, _Queued(visit.steps[0].due, number, visit))
        while begun and begun[0].due <= max(begins, 0.0):
            yield heapq.heappop(begun).visit
    yield from (queued.visit for queued in sorted(begun))


def under_way(visit: Visit) -> Visit | None:
    """A visit without the pages that were due before the run; None when there is none left.

    What follows from a page (a form on it) needs that page: it is asked for again at the start.
    """
    left = [step for step in visit.steps if step.due >= 0]
    if not left or len(left) == len(visit.steps):
        return visit if left else None
    if left[0].action in (Action.ADD, Action.LOG_IN):
        before = visit.steps[-len(left) - 1]
        left.insert(0, replace(before, due=0.0))
    return replace(visit, steps=tuple(left))


class _Queued(NamedTuple):
    """A visit in the order of its first page."""

    due: float
    number: int
    visit: Visit


def _visit(number: int, begins: float, catalogue: Catalogue, chance: random.Random) -> Visit:
    is_customer = chance.random() < SIGNED_IN
    logs_in = not is_customer and chance.random() < LOGS_IN / (1 - SIGNED_IN)
    actions = _actions(is_customer, logs_in, catalogue, chance)
    due, steps = begins, []
    for action, path in actions:
        steps.append(Step(due, action, path))
        due += chance.expovariate(1 / THINKING)
    customer = chance.randrange(1_000_000) if is_customer or logs_in else None
    return Visit(number, customer, chance.random() < AGREES, tuple(steps))


def _actions(
    is_customer: bool, logs_in: bool, catalogue: Catalogue, chance: random.Random
) -> list[tuple[Action, str]]:
    pages = chance.randint(_FEWEST, _MOST)
    actions = [_page(catalogue, chance) for _ in range(pages)]
    if chance.random() < 0.5:
        actions[0] = (Action.LOOK, HOME)
    if logs_in:
        actions[1] = (Action.LOG_IN, actions[0][1])
    if chance.random() < ADDS:
        # what goes into the basket is the product one has just looked at
        actions[-2:] = [(Action.PRODUCT, catalogue.product(chance)), (Action.ADD, "")]
        if is_customer and chance.random() < CHECKS_OUT:
            actions.append((Action.CHECK_OUT, ""))
        elif chance.random() < 0.5:
            actions.append((Action.BASKET, ""))
    return actions


def _page(catalogue: Catalogue, chance: random.Random) -> tuple[Action, str]:
    point = chance.random()
    if point < 0.1:
        return Action.LOOK, HOME
    if point < 0.2:
        return Action.LOOK, chance.choice(SEARCHES)
    if point < 0.45:
        return Action.LOOK, catalogue.category(chance)
    return Action.PRODUCT, catalogue.product(chance)


def _mean_pages() -> float:
    checks_out = ADDS * SIGNED_IN * CHECKS_OUT
    return (_FEWEST + _MOST) / 2 + checks_out + (ADDS - checks_out) * 0.5
