"""`visitors`: people who come to the storefront at a constant rate, whether it keeps up or not."""

from __future__ import annotations

import random
import sys
import time

import uvloop

from ..contestants.storefront import OPEN, behind_edge, behind_varnish, plain
from ..load.catalogue import Catalogue, explore, visit_all
from ..load.core import on_load_core
from ..load.highest import highest
from ..load.open_loop import Crowd, Tally, run
from ..load.visits import plan
from ..results import Goal, Measurement
from ..scenario import Contestant, Scenario

RATE = 15.0
"""Pages a second at which latencies are compared: one that plain Django bears."""
WARM_UP = 1.0
"""Seconds whose pages do not count: connections are made."""
HELD_MS = 500.0
"""A rate holds when 99 % of pages come within this and at most one of a thousand fails."""
HIGHEST = 8000.0

_catalogues: dict[str, Catalogue] = {}


def _measure(target: str, seconds: float) -> Measurement:
    tally, busy = _round(target, RATE, seconds)
    if tally.failures:
        raise RuntimeError(f"{len(tally.failures)} pages failed, the first: {tally.failures[0]}")
    row = {**tally.latencies.metrics(), "pages": float(len(tally.latencies)), "client_busy": busy}
    step = max(2.0, seconds / 5)
    return row | {"held_pages_per_second": highest(lambda rate: _holds(target, rate, step), RATE)}


def _holds(target: str, rate: float, seconds: float) -> bool:
    if rate > HIGHEST:
        return False
    tally, busy = _round(target, rate, seconds)
    slowest = tally.latencies.percentile(99) if len(tally.latencies) else float("inf")
    holds = slowest <= HELD_MS and tally.failed_share <= 0.001
    verdict = "holds" if holds else "does not hold"
    told = f"99 % in {slowest:.0f} ms, {tally.failed_share:.1%} failed, client {busy:.0%} busy"
    print(f"  {rate:.0f} pages/s {verdict}: {told}", file=sys.stderr, flush=True)
    if not holds:
        time.sleep(3)  # what is queued is not the next round's
    return holds


def _round(target: str, rate: float, seconds: float) -> tuple[Tally, float]:
    lasts = WARM_UP + seconds
    tally = Tally(WARM_UP, lasts)
    visits = plan(rate, lasts, _catalogues[target], random.Random(f"{rate} {seconds}"))
    with on_load_core():
        began, busy = time.perf_counter(), time.process_time()
        run(Crowd(target, OPEN[target].customers), visits, tally, lasts)
        busy = (time.process_time() - busy) / (time.perf_counter() - began)
    return tally, busy


def _check(_name: str, target: str) -> None:
    """Learn the shop and let what can be held be held; every page of the run is checked itself."""
    with on_load_core():
        _catalogues[target] = uvloop.run(_prepare(target))


async def _prepare(target: str) -> Catalogue:
    catalogue = await explore(target)
    await visit_all(target, catalogue, {})
    await visit_all(target, catalogue, dict(OPEN[target].customers[0].cookies))
    return catalogue


SCENARIO = Scenario(
    name="visitors",
    what=f"Visitors of the storefront at a constant rate: strangers and customers browse, log in, "
    f"fill baskets, check out. Latencies at {RATE:g} pages a second, from when a page was due, and "
    f"the rate at which 99 % still come within {HELD_MS:g} ms.",
    contestants=(
        Contestant("twopass", "edge as configured, origin with 2 workers", behind_edge),
        Contestant("varnish", "ESI", behind_varnish),
        Contestant("django", "two-pass off, 2 workers", plain),
    ),
    measure=_measure,
    check=_check,
    goals=(
        Goal(
            "rate that holds, against plain Django",
            "twopass", "held_pages_per_second", at_least=5, against=("django",),
        ),
        Goal(
            "rate that holds, against Varnish ESI",
            "twopass", "held_pages_per_second", at_least=3, against=("varnish",),
        ),
    ),
    seconds=20,
    rounds=2,
)  # fmt: skip
