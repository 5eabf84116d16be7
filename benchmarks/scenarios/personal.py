"""Pages of 10 kB with parts that are each visitor's own, all of them held by the cache."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from ..contestants.django import site
from ..contestants.edge import edge_before_site
from ..contestants.nginx import nginx
from ..contestants.varnish import varnish
from ..load.wrk import in_turn, together, wrk
from ..results import Goal, Measurement
from ..scenario import NEVER, Contestant, Scenario
from .visitors import ASKED, HELD, cookies_of, counts, read, require_held, require_own

AJAX = "#ajax"
"""Ends the address of a contestant whose pages are completed by a script."""

IN_DJANGO = {"django-cache": "renderings", "django-fragments": "part_renderings"}
"""Who caches within the origin, and what there is none of when it hits."""


def scenario(parts: int, at_least: float) -> Scenario:
    """With so many parts, and the goal against the better of nginx and Varnish."""
    path, of_script = f"/personal/{parts}/", f"/part/own/all/{parts}/"

    def measure(target: str, seconds: float) -> Measurement:
        base, _, is_ajax = target.partition("#")
        heard = partial(counts, base)
        if not is_ajax:
            return wrk(base + path, seconds, cookies=cookies_of(base), counts=heard)
        script = in_turn(cookies_of(base), [path, of_script])
        return together(wrk(base + path, seconds, requests=script, counts=heard), 2)

    def check(name: str, target: str) -> None:
        base, _, is_ajax = target.partition("#")
        if is_ajax:
            require_held(base, of_script, parts)
            if read(base + path, "").count(b"data-part=") != parts:
                raise RuntimeError(f"{base}{path} has no places for its parts")
        elif name == "django":
            require_own(base, path, parts)
        else:
            require_held(base, path, parts, IN_DJANGO.get(name, "origin_requests"))

    return Scenario(
        name=f"personal-{parts}",
        what=f"A page of 10 kB with {parts} private parts of 200 bytes, held for 50 visitors.",
        contestants=(
            Contestant("twopass", "edge, one process; private fragments", edge_before_site, HELD),
            Contestant("nginx", "SSI, one worker", partial(nginx, partial(site, "ssi")), HELD),
            Contestant("varnish", "ESI", partial(varnish, partial(site, "esi")), HELD),
            Contestant("ajax", "nginx; page and one request of a script, both held", _ajax, HELD),
            _in_django("django-cache", "cache middleware, a page each", "cache_page"),
            _in_django(
                "django-fragments",
                "{% cache %} around each text and each visitor's part",
                "fragments",
            ),
            Contestant("django", "gunicorn, one worker, no cache", partial(site, "plain"), ASKED),
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


def _in_django(name: str, what: str, mode: str) -> Contestant:
    """One whose cache is within the origin: every page is asked of it, none is rendered."""
    claims = {**ASKED, f"{IN_DJANGO[name]}_per_page": NEVER}
    return Contestant(name, what, partial(site, mode), claims)


@contextmanager
def _ajax() -> Iterator[str]:
    with nginx(partial(site, "ajax")) as url:
        yield url + AJAX
