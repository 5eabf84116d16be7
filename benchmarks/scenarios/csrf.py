"""Eighteen forms, each with a CSRF token, and nothing else that is a visitor's own."""

from __future__ import annotations

import re
from functools import partial

from ..contestants.django import site
from ..contestants.edge import edge_before_site
from ..load.wrk import wrk
from ..results import Goal, Measurement
from ..scenario import Contestant, Scenario
from .visitors import ASKED, HELD, cookies_of, counts, read, require_held

PATH = "/forms/"


def _measure(target: str, seconds: float) -> Measurement:
    return wrk(target + PATH, seconds, cookies=cookies_of(target), counts=partial(counts, target))


def _check(name: str, target: str) -> None:
    if name == "twopass":
        require_held(target, PATH, 0)
    first, second = (
        set(re.findall(rb'value="(\w{64})"', read(target + PATH, cookies_of(target)[0])))
        for _ in range(2)
    )
    if len(first) != 1 or first == second:
        raise RuntimeError(f"{target}{PATH}: tokens are missing, or masked once and for all")


SCENARIO = Scenario(
    name="csrf",
    what="A page of 10 kB with 18 forms; 50 visitors, each with a secret.",
    contestants=(
        Contestant("twopass", "edge, one process", edge_before_site, HELD),
        Contestant("django", "gunicorn, one worker", partial(site, "plain"), ASKED),
    ),
    measure=_measure,
    check=_check,
    goals=(
        Goal("pages per second on one core", "twopass", "requests_per_second", at_least=20_000),
        Goal("requests to the origin, a page", "twopass", "origin_requests_per_page", at_most=0),
        Goal(
            "twopass against plain Django, pages per second",
            "twopass", "requests_per_second", at_least=10, against=("django",),
        ),
    ),
)  # fmt: skip
