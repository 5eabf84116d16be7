"""Our edge passes every required scenario, and the optional ones but for those named here."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.conformance.catalogue import catalogue
from tests.conformance.origin import Origin
from tests.conformance.own_edge import own_edge
from tests.conformance.play import Proxy, Result, play_all

# Required, and not there.
MISSING: set[str] = set()
# Optional, and not done: a cold page that is not two-pass is asked for by everybody who wants it.
DECLINED = {"collapse-cold"}


async def _play(directory: Path) -> list[Result]:
    origin = Origin()
    port = await origin.start()
    with own_edge(port, directory) as edge:
        found = await play_all(catalogue(), Proxy(edge.host, edge.port), origin)
    await origin.stop()
    return found


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> list[Result]:
    """All scenarios, played once for all tests here."""
    return asyncio.run(_play(tmp_path_factory.mktemp("edge")))


def shortcomings(results: list[Result], kind: str) -> dict[str, str]:
    return {
        result.scenario.id: result.detail
        for result in results
        if result.scenario.kind == kind and result.verdict != "pass"
    }


def test_everything_required(results: list[Result]) -> None:
    failed = shortcomings(results, "required")

    assert {id_: detail for id_, detail in failed.items() if id_ not in MISSING} == {}


def test_everything_optional(results: list[Result]) -> None:
    failed = shortcomings(results, "optional")

    assert {id_: detail for id_, detail in failed.items() if id_ not in DECLINED} == {}


def test_what_is_listed_as_missing_is_missing(results: list[Result]) -> None:
    failed = shortcomings(results, "required") | shortcomings(results, "optional")

    assert set(failed) >= MISSING | DECLINED, "take what works now off the lists above"


def test_the_table_names_every_scenario() -> None:
    table = Path(__file__).resolve().parents[2] / "docs" / "conformance.md"
    text = table.read_text(encoding="utf-8")

    assert [scenario.id for scenario in catalogue() if f"`{scenario.id}`" not in text] == []
