"""A page of 10 kB that is in the cache and the same for everybody."""

from __future__ import annotations

from ..contestants.django import site
from ..contestants.edge import edge_before_site
from ..load.wrk import wrk
from ..results import Goal, Measurement
from ..scenario import Contestant, Scenario
from .hits import require_hits

PATH = "/page/1/"


def _measure(target: str, seconds: float) -> Measurement:
    return wrk(target + PATH, seconds)


def _check(name: str, target: str) -> None:
    if name == "twopass":
        require_hits(target + PATH)


SCENARIO = Scenario(
    name="hit",
    what="A cached page of 10 kB, 16 connections that never rest.",
    contestants=(
        Contestant("twopass", "edge, one process; origin gunicorn", edge_before_site),
        Contestant("django", "gunicorn, one worker, no cache", lambda: site("plain")),
        Contestant("django-cache", "with Django's cache middleware", lambda: site("cache_page")),
    ),
    measure=_measure,
    check=_check,
    goals=(
        Goal(
            "twopass against plain Django, pages per second",
            "twopass",
            "requests_per_second",
            at_least=10,
            against=("django", "django-cache"),
        ),
    ),
)
