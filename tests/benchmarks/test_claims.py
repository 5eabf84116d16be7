"""Who takes part in a comparison over HTTP says how often an origin is asked, and is held to it."""

from __future__ import annotations

import subprocess
import sys
from contextlib import AbstractContextManager
from typing import Any

import pytest

from benchmarks.contestants.django import site
from benchmarks.scenario import NEVER
from benchmarks.scenarios import SCENARIOS
from benchmarks.scenarios.visitors import counts, read, require_held

PATH = "/personal/2/"


@pytest.mark.parametrize("name", ["hit", "personal-5", "personal-20", "gzip", "csrf", "miss"])
def test_nobody_is_exempt(name: str) -> None:
    for contestant in SCENARIOS[name].contestants:
        assert any("requests_per_page" in metric for metric in contestant.claims), contestant.name


def test_loading_a_scenario_changes_nothing_for_the_servers_of_others() -> None:
    script = "import os; from benchmarks.scenarios import SCENARIOS as s; before = dict(os.environ)"
    script += "; [s[name] for name in s]; assert dict(os.environ) == before"

    subprocess.run([sys.executable, "-c", script], check=True)


@pytest.mark.parametrize("name", ["django-cache", "django-fragments"])
def test_a_cache_within_django_must_hit_too(name: str) -> None:
    (cached,) = (item for item in SCENARIOS["personal-5"].contestants if item.name == name)

    assert NEVER in cached.claims.values()


@pytest.mark.parametrize(
    ("mode", "counted"), [("cache_page", "renderings"), ("fragments", "part_renderings")]
)
def test_what_a_cache_within_django_renders_is_counted(mode: str, counted: str) -> None:
    with site(mode) as target:
        read(target + PATH, "sessionid=somebody")
        before = counts(target)
        assert before[counted] > 0
        read(target + PATH, "sessionid=somebody")
        after = counts(target)

        assert after[counted] == before[counted]
        assert after["origin_requests"] == before["origin_requests"] + 1
        require_held(target, PATH, 2, counted)


def test_a_cache_that_asks_the_origin_is_found_out() -> None:
    with site("plain") as target, pytest.raises(RuntimeError, match="it is no hit"):
        require_held(target, PATH, 2)


def test_no_cache_can_answer_for_the_counter(shop: Any) -> None:
    asked: list[str] = []

    def answer(path: str, _cookie: str) -> tuple[int, bytes]:
        asked.append(path)
        return 200, b'{"origin_requests": 3}'

    serving: AbstractContextManager[str] = shop(answer)
    with serving as target:
        assert counts(target) == counts(target) == {"origin_requests": 3}
    assert len(set(asked)) == 2
