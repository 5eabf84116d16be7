"""`rebuild`: what PostgreSQL counts, what a page costs, and pages that the command did not make."""

from __future__ import annotations

from typing import Any

import pytest

import devstack
from benchmarks.datacache import statements
from benchmarks.datacache.rebuilding import WAYS, Stage, scenario
from benchmarks.datacache.through_edge import pages_made

NO_SERVER = "where PostgreSQL comes without its extensions nobody counts"


def test_postgresql_counts_what_passes_django_by() -> None:
    with devstack.postgres(0, settings=statements.settings()) as cluster:
        node = cluster.primary
        statements.start(node)
        if (before := statements.count(node, "shop")) is None:
            pytest.skip(NO_SERVER)
        node.query("CREATE DATABASE shop")
        for _ in range(3):
            node.query("SELECT 1", "shop")
        node.query("SELECT 1")  # of another database

        after = statements.count(node, "shop")
        assert after is not None
        assert after - before == 3


def test_without_the_extension_there_is_no_count() -> None:
    with devstack.postgres(0) as cluster:
        statements.start(cluster.primary)

        assert statements.count(cluster.primary, "postgres") is None


class Redis:
    """Counts how often it is emptied."""

    flushed = 0

    def flush(self) -> None:
        self.flushed += 1


@pytest.mark.parametrize(("way", "made"), [("twopass", ["rebuild", "rebuild"]),
                                           ("twopass-cold", ["rebuild"]), ("django", ["plain"]),
                                           ("twopass-edge", ["through", "through"])])  # fmt: skip
def test_what_a_page_costs_is_told(way: str, made: list[str]) -> None:
    asked: list[str] = []

    def make(how: str) -> dict[str, float]:
        asked.append(how)
        return {"pages": 200, "wall_seconds": 4.0, "cpu_seconds": 3.0}

    with devstack.postgres(0) as cluster:
        redis: Any = Redis()
        row = Stage(WAYS[way], cluster, "postgres", redis, {}, make).measure()

    assert asked == made
    assert redis.flushed == 1
    assert (row["pages_per_second"], row["cpu_ms_per_page"]) == (50, 15)
    assert "queries_per_page" not in row


def test_goals_name_the_processes_of_both_sides() -> None:
    told = [goal.what for goal in scenario().goals if "wall time" in goal.what]

    assert len(told) == 2
    assert all("processes) against plain Django (one process)" in what for what in told)
    assert "django-parallel" in {item.name for item in scenario().contestants}


@pytest.mark.parametrize(
    ("output", "pages"),
    [
        ("4,000 pages in 31.2 s: 4,000 made; 12 queries of these processes (0.003 a page)", 4000),
        ("4,000 pages in 31.2 s: 3,999 made, 1 failed; 12 queries", 0),
        ("4,000 pages in 31.2 s: 3,000 made, 1,000 fresh; 12 queries", 0),
        ("no pages to make", 0),
    ],
)
def test_only_a_rebuild_that_made_every_page_counts(output: str, pages: int) -> None:
    assert pages_made(output) == pages
