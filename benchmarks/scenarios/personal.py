"""Pages of 10 kB with parts that are each visitor's own, all of them held by the cache."""

from __future__ import annotations

from functools import partial

from ..contestants.django import site
from ..contestants.edge import edge_before_site
from ..contestants.nginx import nginx
from ..contestants.varnish import varnish
from ..load.wrk import wrk
from ..results import Goal, Measurement
from ..scenario import Contestant, Scenario
from .visitors import cookies_of, require_held


def scenario(parts: int, at_least: float) -> Scenario:
    """With so many parts, and the goal against the better of nginx and Varnish."""
    path = f"/personal/{parts}/"

    def measure(target: str, seconds: float) -> Measurement:
        return wrk(target + path, seconds, cookies=cookies_of(target))

    def check(name: str, target: str) -> None:
        if name != "django":
            require_held(target, path, parts)

    return Scenario(
        name=f"personal-{parts}",
        what=f"A page of 10 kB with {parts} private parts of 200 bytes, held for 50 visitors.",
        contestants=(
            Contestant("twopass", "edge, one process; private fragments", edge_before_site),
            Contestant("nginx", "SSI, one worker", partial(nginx, partial(site, "ssi"))),
            Contestant("varnish", "ESI", partial(varnish, partial(site, "esi"))),
            Contestant("django", "gunicorn, one worker, no cache", partial(site, "plain")),
        ),
        measure=measure,
        check=check,
        goals=(
            Goal(
                "twopass against the better of nginx SSI and Varnish ESI, pages per second",
                "twopass",
                "requests_per_second",
                at_least=at_least,
                against=("nginx", "varnish"),
            ),
        ),
    )
