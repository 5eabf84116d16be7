"""The scenarios are sound, and the runner can tell a cache from none."""

from __future__ import annotations

import re

from tests.conformance.catalogue import CHAPTERS, catalogue
from tests.conformance.origin import Origin
from tests.conformance.play import Proxy, Result, play_all
from tests.conformance.report import document


def test_ids_are_unique_and_speak() -> None:
    ids = [scenario.id for scenario in catalogue()]

    assert len(set(ids)) == len(ids) >= 250
    assert all(re.fullmatch(r"[a-z0-9-]+", id_) for id_ in ids)


def test_every_scenario_names_its_section() -> None:
    form = r"(9110|9111|9213|9211|9875|5861) §[0-9.]+|6585|8297|Edge Architecture"

    assert all(re.fullmatch(form, scenario.section) for scenario in catalogue())


def test_every_scenario_expects_something_in_its_last_step() -> None:
    for scenario in catalogue():
        expected = scenario.steps[-1].expect
        values = [getattr(expected, name) for name in expected.__dataclass_fields__]
        says_something = any(value not in (None, {}, ()) for value in values)
        assert says_something or scenario.kind == "check", scenario.id


def test_only_the_last_step_is_no_setup_where_something_is_required() -> None:
    for scenario in catalogue():
        assert not scenario.steps[-1].is_setup, scenario.id


async def _without_a_cache() -> list[Result]:
    """The scenarios played on the origin itself: a proxy that stores nothing."""
    origin = Origin()
    port = await origin.start()
    try:
        return await play_all(catalogue(), Proxy("127.0.0.1", port), origin, at_once=100)
    finally:
        await origin.stop()


# What even a proxy without a store has to do, and a bare connection to the origin does not.
_PROXY_DUTIES = {
    "fields-connection-listed",
    "fields-connection-request",
    "fields-via",
    "fields-via-kept",
    "date-added",
    "range-miss",
    "stale-must-revalidate-status",
}


async def test_without_a_cache_nothing_is_a_hit_and_no_prohibition_is_broken() -> None:
    results = await _without_a_cache()
    verdicts = {result.scenario.id: result.verdict for result in results}

    assert verdicts["store-max-age"] == "fail"
    assert verdicts["vary-side-by-side"] == "fail"
    assert verdicts["condition-304-strong"] == "fail"
    broken = {
        result.scenario.id
        for result in results
        if result.verdict == "fail"
        and result.scenario.kind == "required"
        # Where the last step must not ask the origin, the scenario is about what was stored.
        and result.scenario.steps[-1].expect.asked is not False
    }
    assert broken <= _PROXY_DUTIES

    table = document({"nothing": results}, {})
    assert table.count("\n| `") == len(results)
    assert all(f"## {chapter}" in table for chapter in CHAPTERS)
