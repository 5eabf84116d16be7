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

PATH = "/live/"


def _measure(target: str, seconds: float) -> Measurement:
    return wrk(target + PATH, seconds, connections=4)


SCENARIO = Scenario(
    name="miss",
    what="A page of 10 kB that is asked for anew each time, 4 connections; the origin bounds it.",
    contestants=(
        Contestant("twopass", "edge, one process", edge_before_site),
        Contestant("nginx", "one worker", partial(nginx, partial(site, "ssi"))),
        Contestant("varnish", "its defaults", partial(varnish, partial(site, "esi"))),
        Contestant("django", "gunicorn with nothing before it", partial(site, "plain")),
    ),
    measure=_measure,
    check=lambda name, target: None,
)
