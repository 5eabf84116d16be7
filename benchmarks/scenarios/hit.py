"""A page of 10 kB that is in the cache and the same for everybody."""

from __future__ import annotations

from functools import partial

from ..contestants.django import site
from ..contestants.edge import edge_before_site
from ..contestants.nginx import nginx
from ..contestants.varnish import varnish
from ..load.wrk import wrk
from ..results import Goal, Measurement
from ..scenario import NEVER, Contestant, Scenario
from .visitors import ASKED, HELD, counts, require_held

PATH = "/page/1/"


def _measure(target: str, seconds: float) -> Measurement:
    return wrk(target + PATH, seconds, counts=partial(counts, target))


def _check(name: str, target: str) -> None:
    if name == "django-cache":
        require_held(target, PATH, 0, "renderings")
    elif name != "django":
        require_held(target, PATH, 0)


def _slow_path() -> Contestant:
    start = partial(edge_before_site, TWOPASS_FAST_PATH="no")
    return Contestant("twopass-asgi", "the same without its fast path", start, HELD)


SCENARIO = Scenario(
    name="hit",
    what="A cached page of 10 kB, 16 connections that never rest.",
    contestants=(
        Contestant("twopass", "edge, one process; origin gunicorn", edge_before_site, HELD),
        _slow_path(),
        Contestant("nginx", "proxy_cache, one worker", partial(nginx, partial(site, "ssi")), HELD),
        Contestant("varnish", "its defaults", partial(varnish, partial(site, "esi")), HELD),
        Contestant("django", "gunicorn, one worker, no cache", partial(site, "plain"), ASKED),
        Contestant(
            "django-cache", "with Django's cache middleware", partial(site, "cache_page"),
            {**ASKED, "renderings_per_page": NEVER},
        ),
    ),
    measure=_measure,
    check=_check,
    goals=(
        Goal(
            "twopass against nginx, pages per second",
            "twopass", "requests_per_second", at_least=1.2, against=("nginx",),
        ),
        Goal(
            "twopass against Varnish, pages per second",
            "twopass", "requests_per_second", at_least=2, against=("varnish",),
        ),
        Goal(
            "twopass against plain Django, pages per second",
            "twopass", "requests_per_second", at_least=10, against=("django", "django-cache"),
        ),
        Goal(
            "the fast path against the same without it",
            "twopass", "requests_per_second", at_least=2, against=("twopass-asgi",),
        ),
    ),
)  # fmt: skip
