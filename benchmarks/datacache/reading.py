"""`datacache`: reads beside django-cacheops and django-cachalot, on the same queries."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from importlib.util import find_spec

import devstack

from ..processes import python
from ..results import Goal, Measurement
from ..scenario import Contestant, Scenario, Unavailable

PEERS = {
    "twopass": ("", "process and Redis level"),
    "twopass-redis": ("", "Redis level alone"),
    "cacheops": ("cacheops", "django-cacheops"),
    "cachalot": ("cachalot", "django-cachalot"),
    "django": ("", "no cache"),
}
TARGETS: dict[str, dict[str, str]] = {}


@contextmanager
def start(name: str) -> Iterator[str]:
    """PostgreSQL and Redis of one contestant. Raises Unavailable."""
    package, _ = PEERS[name]
    if package and find_spec(package) is None:
        raise Unavailable(f"install django-{package}")
    with devstack.postgres(replicas=0) as cluster, devstack.redis() as redis:
        cluster.primary.query("CREATE DATABASE bench")
        environment = {
            "DJANGO_SETTINGS_MODULE": "benchmarks.datacache.settings",
            "BENCH_PEER": name,
            "BENCH_REDIS": redis.url,
            "BENCH_DATABASE": json.dumps(cluster.primary.django_settings("bench"), default=str),
        }
        TARGETS[name] = environment
        try:
            yield name
        finally:
            del TARGETS[name]


def measure(target: str, _seconds: float) -> Measurement:
    """One process: everything cold, at hand and after writes."""
    done = subprocess.run(
        python("-m", "benchmarks.datacache.reader"),
        env={**os.environ, **TARGETS[target]},
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    row: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return row


def scenario() -> Scenario:
    """The scenario, as the harness runs it."""
    return Scenario(
        name="datacache",
        what="Rows by key, lists of ten and counts: cold, warm, and all of them once more after a "
        "write to one row; microseconds of one process's CPU",
        contestants=tuple(
            Contestant(name, what, partial(start, name)) for name, (_, what) in PEERS.items()
        ),
        measure=measure,
        check=lambda name, target: None,  # the reader compares each row with the database's
        goals=(
            Goal(
                "a hit in the process, of a value that readers share: a tuple (µs)",
                "twopass",
                "hit_us",
                at_most=2.0,
            ),
            Goal(
                "a hit in the process, of a row: each reader gets a copy of it (µs)",
                "twopass",
                "row_hit_us",
                at_most=2.0,
            ),
            Goal(
                "100 rows as configured, against redis-py's bytes of them, not decoded",
                "twopass",
                "many_ratio_to_bytes",
                at_most=1.5,
            ),
            Goal(
                "100 rows of Redis alone, against redis-py's bytes of them, not decoded",
                "twopass-redis",
                "many_ratio_to_bytes",
                at_most=1.5,
            ),
            Goal(
                "100 rows of Redis alone, against redis-py and pickle.loads: rows on both sides",
                "twopass-redis",
                "many_ratio",
                at_most=1.5,
            ),
        ),
        rounds=3,
    )
