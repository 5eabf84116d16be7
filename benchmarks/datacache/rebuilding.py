"""`rebuild`: every product page of the storefront made anew, in several ways."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import devstack

from ..processes import python
from ..results import Goal
from ..scenario import Contestant, Scenario
from ..shop.premises import seeded
from . import statements
from .database_time import cpu_seconds
from .through_edge import shopfront
from .worker import PROCESSES

PAGES = int(os.environ.get("BENCH_REBUILD_PAGES", "10000"))
SAMPLE = 5
"""Every fifth page will do where each is made by itself; no process makes more in a second then."""
THROUGH: Final = "through"


@dataclass(frozen=True)
class Way:
    """How pages are made. `warm`: the data are in Redis already, as after a change of templates;
    `step`: every so many pages are made, of those ways whose pages each take the same."""

    way: str
    what: str
    settings: Mapping[str, str]
    warm: bool = False
    step: int = 1


OFF = {"STOREFRONT_TWOPASS": "off", "STOREFRONT_DATACACHE": "off"}
WAYS = {
    "django": Way(
        "plain", "each page from the database, one process, as a command would", OFF, step=SAMPLE
    ),
    "django-parallel": Way("parallel", f"the same in {PROCESSES} processes", OFF, step=SAMPLE),
    "redis": Way(
        "levels", "Redis level alone, one process", {"STOREFRONT_PROCESS_BYTES": "0"}, True, SAMPLE
    ),
    "process": Way("levels", "process and Redis level, one process", {}, True, SAMPLE),
    "twopass-cold": Way("rebuild", f"rebuild_cache, empty Redis, {PROCESSES} processes", {}),
    "twopass-edge": Way(
        THROUGH,
        f"manage.py rebuild_cache --through an edge, its origin with {PROCESSES} workers: pages in "
        "two languages, with their public fragments; CPU of command, edge and origin",
        {},
        True,
    ),
    "twopass": Way(
        "rebuild", f"rebuild_cache after a change of templates, {PROCESSES} processes", {}, True
    ),
}


@dataclass
class Stage:
    """The servers of one contestant, and what makes its pages."""

    way: Way
    cluster: devstack.PostgresCluster
    database: str
    redis: devstack.RedisServer
    environment: dict[str, str]
    make: Callable[[str], dict[str, float]]

    def measure(self) -> dict[str, float]:
        """All pages, or every `step`-th, once."""
        self.redis.flush()
        if self.way.warm:
            self.make(THROUGH if self.way.way == THROUGH else "rebuild")
        primary = self.cluster.primary
        postmaster = _postmaster(primary)
        spent, asked = cpu_seconds(postmaster), statements.count(primary, self.database)
        row = self.make(self.way.way)
        spent, pages = cpu_seconds(postmaster) - spent, row["pages"]
        found = {
            "pages_per_second": pages / row["wall_seconds"],
            "cpu_ms_per_page": row["cpu_seconds"] / pages * 1000,
            "database_cpu_ms_per_page": spent / pages * 1000,
            **row,
            "database_cpu_seconds": spent,
        }
        if asked is not None:
            asked = (statements.count(primary, self.database) or 0) - asked
            found["queries_per_page"] = asked / pages
        return found


STAGES: dict[str, Stage] = {}
"""By target, for `measure`, which is given only that."""


@contextmanager
def start(name: str) -> Iterator[str]:
    """The servers of one way, and the shop in them."""
    way, target = WAYS[name], f"stage:{name}:{secrets.token_hex(4)}"
    with ExitStack() as stack:
        var = stack.enter_context(tempfile.TemporaryDirectory())
        cluster = stack.enter_context(devstack.postgres(0, settings=statements.settings()))
        redis = stack.enter_context(devstack.redis())
        statements.start(cluster.primary)
        database = seeded(cluster.primary, Path(var))
        environment = {
            **os.environ,
            "STOREFRONT_DATABASE_URL": database,
            "STOREFRONT_VAR": var,
            "STOREFRONT_EDGES": "",
            "STOREFRONT_CACHE_URL": redis.url.removesuffix("/0") + "/1",
            "STOREFRONT_DATACACHE_URL": redis.url,
            **way.settings,
        }
        make: Callable[[str], dict[str, float]] = partial(_make, environment, way)
        if way.way == THROUGH:
            front = stack.enter_context(shopfront(environment))
            make = lambda _: front.fill()  # noqa: E731  # one way only
        name_of_it = urlsplit(database).path.strip("/")
        STAGES[target] = Stage(way, cluster, name_of_it, redis, environment, make)
        try:
            yield target
        finally:
            del STAGES[target]


def _make(environment: Mapping[str, str], way: Way, how: str) -> dict[str, float]:
    """Make pages in a process of their own. Raises RuntimeError."""
    done = subprocess.run(
        python("-m", "benchmarks.datacache.worker", how, str(PAGES), str(way.step)),
        env=dict(environment),
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise RuntimeError(f"{way.what}: {done.stderr[-2000:]}")
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def _postmaster(primary: devstack.PostgresNode) -> int:
    folder = primary.query_value("SHOW data_directory")
    return int(Path(str(folder), "postmaster.pid").read_text().splitlines()[0])


def _faster(what: str, contestant: str, at_least: float, against: str, theirs: str) -> Goal:
    told = f"{what} ({PROCESSES} processes) against plain Django ({theirs}), wall time"
    return Goal(told, contestant, "pages_per_second", at_least, against=(against,))


def scenario() -> Scenario:
    """The scenario, as the harness runs it."""
    return Scenario(
        name="rebuild",
        what=f"{PAGES:,} product pages of the storefront on PostgreSQL: 2,000 products in five "
        "variants of language and currency. One after the other, and in plain Django: every "
        f"{SAMPLE}th of them",
        contestants=tuple(
            Contestant(name, way.what, partial(start, name)) for name, way in WAYS.items()
        ),
        measure=lambda target, seconds: STAGES[target].measure(),
        check=lambda name, target: None,  # the worker fails for a page that was not made
        goals=(
            _faster("rebuild after a change of templates", "twopass", 10, "django", "one process"),
            _faster("rebuild with an empty Redis", "twopass-cold", 4, "django", "one process"),
            Goal(
                "queries a page after a change of templates, counted by PostgreSQL",
                "twopass",
                "queries_per_page",
                at_most=0.05,
            ),
        ),
        rounds=1,  # thousands of pages; more rounds tell little more
    )
