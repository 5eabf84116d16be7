"""The same cases through our edge, headers and all."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.conformance.esi.cases import load
from tests.conformance.esi.choices import CHOICES
from tests.conformance.esi.edge_driver import CaseOrigin, play
from tests.conformance.esi.outcome import shortcomings
from tests.conformance.own_edge import own_edge
from tests.conformance.proxies import free_port

CASES = load()
# Every host of a fragment is allowed; `blocked.example` is in no fragment and must stay out.
HOSTS = sorted({host for case in CASES for host in case.hosts})


async def _play(directory: Path) -> dict[str, list[str]]:
    origin, port = CaseOrigin(), free_port()
    await origin.start(port)
    allowed = [part for host in HOSTS for part in ("--esi-host", host)]
    failed = {}
    with own_edge(port, directory, [*allowed, "--esi-cookie", "*"]) as edge:
        for case in CASES:
            outcome = await play(case, edge, origin)
            failed[case.id] = shortcomings(CHOICES.get(case.id, case.expected), outcome)
    await origin.stop()
    return failed


@pytest.fixture(scope="module")
def failed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """What each case fell short of, played once in turn."""
    return asyncio.run(_play(tmp_path_factory.mktemp("edge")))


@pytest.mark.parametrize("name", [case.id for case in CASES])
def test_case(failed: dict[str, list[str]], name: str) -> None:
    assert failed[name] == []
