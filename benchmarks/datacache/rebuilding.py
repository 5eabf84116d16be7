"""`rebuild`: every product page of the storefront made anew, by five ways."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import devstack

from ..processes import python
from ..results import Goal, Measurement
from ..scenario import Contestant, Scenario
from ..shop.premises import seeded
from .database_time import cpu_seconds

PAGES = int(os.environ.get("BENCH_REBUILD_PAGES", "10000"))
SAMPLE = 5
"""Every fifth page will do where each is made by itself; no process makes more in a second then."""


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
    "django": Way("plain", "each page from the database, in one process", OFF, step=SAMPLE),
    "redis": Way(
        "levels", "Redis level alone, one process", {"STOREFRONT_PROCESS_BYTES": "0"}, True, SAMPLE
    ),
    "process": Way("levels", "process and Redis level, one process", {}, True, SAMPLE),
    "twopass-cold": Way("rebuild", "rebuild_cache, empty Redis", {}),
    "twopass": Way("rebuild", "rebuild_cache after a change of templates", {}, True),
}


@dataclass
class Stage:
    """The servers of one contestant."""

    way: Way
    cluster: devstack.PostgresCluster
    redis: devstack.RedisServer
    environment: dict[str, str]

    def run(self, way: str) -> dict[str, float]:
        """Make pages in a process of their own. Raises RuntimeError."""
        done = subprocess.run(
            python("-m", "benchmarks.datacache.worker", way, str(PAGES), str(self.way.step)),
            env=self.environment,
            capture_output=True,
            text=True,
        )
        if done.returncode:
            raise RuntimeError(f"{self.way.what}: {done.stderr[-2000:]}")
        found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
        return found


STAGES: dict[str, Stage] = {}
"""By target, for `measure`, which is given only that."""


@contextmanager
def start(name: str) -> Iterator[str]:
    """The servers of one way, and the shop in them."""
    way, target = WAYS[name], f"stage:{name}:{secrets.token_hex(4)}"
    with (
        tempfile.TemporaryDirectory() as var,
        devstack.postgres(replicas=0) as cluster,
        devstack.redis() as redis,
    ):
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
        STAGES[target] = Stage(way, cluster, redis, environment)
        try:
            yield target
        finally:
            del STAGES[target]


def measure(target: str, _seconds: float) -> Measurement:
    """All pages, or every `step`-th, once."""
    stage = STAGES[target]
    stage.redis.flush()
    if stage.way.warm:
        stage.run("rebuild")
    postmaster = _postmaster(stage.cluster)
    before = cpu_seconds(postmaster)
    row = stage.run(stage.way.way)
    return {**row, "database_cpu_seconds": cpu_seconds(postmaster) - before}


def _postmaster(cluster: devstack.PostgresCluster) -> int:
    folder = cluster.primary.query_value("SHOW data_directory")
    return int(Path(str(folder), "postmaster.pid").read_text().splitlines()[0])


def scenario() -> Scenario:
    """The scenario, as the harness runs it."""
    return Scenario(
        name="rebuild",
        what=f"{PAGES:,} product pages of the storefront on PostgreSQL; one after the other: "
        f"every {SAMPLE}th of them",
        contestants=tuple(
            Contestant(name, way.what, partial(start, name)) for name, way in WAYS.items()
        ),
        measure=measure,
        check=lambda name, target: None,  # the worker fails for a page that was not made
        goals=(
            Goal(
                "rebuild after a change of templates against plain Django",
                "twopass",
                "pages_per_second",
                at_least=10,
                against=("django",),
            ),
            Goal(
                "rebuild with an empty Redis against plain Django",
                "twopass-cold",
                "pages_per_second",
                at_least=4,
                against=("django",),
            ),
            Goal(
                "queries a page after a change of templates",
                "twopass",
                "queries_per_page",
                at_most=0.05,
            ),
        ),
        rounds=1,  # thousands of pages; more rounds tell little more
    )
