"""The storefront on PostgreSQL with signed-in visitors."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import devstack

from ..contestants import storefront
from ..load.shoppers import shop
from ..machine import load_core
from ..results import Goal, Measurement
from ..scenario import Contestant, Scenario

CUSTOMERS = (("nora@example.com", "harbour-lamp-7"), ("trade@example.com", "cobalt-kiln-12"))
VISITORS = 8


def _measure(target: str, seconds: float) -> Measurement:
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {load_core()})
    try:
        return shop(target, seconds, VISITORS, CUSTOMERS)
    finally:
        os.sched_setaffinity(0, before)


def _with_database(
    start: Callable[[str, Path], AbstractContextManager[str]],
) -> Callable[[], AbstractContextManager[str]]:
    @contextmanager
    def started() -> Iterator[str]:
        with (
            devstack.postgres(replicas=0) as cluster,
            tempfile.TemporaryDirectory() as folder,
        ):
            url = storefront.seeded(cluster.primary, Path(folder))
            with start(url, Path(folder)) as target:
                yield target

    return started


SCENARIO = Scenario(
    name="shop",
    what=f"The storefront on PostgreSQL, {VISITORS} signed-in visitors who browse, search and fill "
    "baskets without rest; private fragments held between a visitor's own changes.",
    contestants=(
        Contestant(
            "twopass", "edge, origin with 2 workers", _with_database(storefront.behind_edge)
        ),
        Contestant("django", "two-pass off, 2 workers", _with_database(storefront.plain)),
    ),
    measure=_measure,
    check=lambda name, target: None,
    goals=(
        Goal(
            "twopass against plain Django, pages per second",
            "twopass",
            "pages_per_second",
            at_least=50,
            against=("django",),
        ),
    ),
    seconds=10,
    rounds=3,
)
