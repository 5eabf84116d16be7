"""A page that nobody may keep: what it costs to stand in between."""

from __future__ import annotations

from functools import partial

from ..contestants.django import site
from ..contestants.edge import edge_before_site
from ..contestants.nginx import nginx
from ..contestants.varnish import varnish
from ..load.wrk import wrk
from ..results import Measurement
from ..scenario import Contestant, Scenario
from .visitors import ASKED, counts

PATH = "/live/"


def _measure(target: str, seconds: float) -> Measurement:
    return wrk(target + PATH, seconds, connections=4, counts=partial(counts, target))


SCENARIO = Scenario(
    name="miss",
    what="A page of 10 kB that is asked for anew each time, 4 connections; the origin bounds it.",
    contestants=(
        Contestant("twopass", "edge, one process", edge_before_site, ASKED),
        Contestant("nginx", "one worker", partial(nginx, partial(site, "ssi")), ASKED),
        Contestant("varnish", "its defaults", partial(varnish, partial(site, "esi")), ASKED),
        Contestant("django", "gunicorn with nothing before it", partial(site, "plain"), ASKED),
    ),
    measure=_measure,
    check=lambda name, target: None,  # each round must ask the origin once a page: ASKED
)
