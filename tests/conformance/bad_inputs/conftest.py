"""An edge for the bad inputs: one that is given by address, or one started for the session.

TWOPASS_TEST_EDGE=host:port with TWOPASS_TEST_ORIGIN_PORT (and TWOPASS_TEST_ADMIN=host:port) runs
the same tests against any edge that has its origin at that port.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Iterator

import pytest

from tests.conformance.bad_inputs.site import Origin, Site
from tests.conformance.own_edge import Edge, own_edge
from tests.conformance.proxies import free_port


def _given() -> Edge | None:
    address = os.environ.get("TWOPASS_TEST_EDGE")
    if not address:
        return None
    host, _, port = address.rpartition(":")
    admin = os.environ.get("TWOPASS_TEST_ADMIN", "127.0.0.1:9000").rpartition(":")[2]
    return Edge(host, int(port), int(admin), int(os.environ["TWOPASS_TEST_ORIGIN_PORT"]))


@pytest.fixture(scope="session")
def edge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Edge]:
    """The edge that all bad inputs are thrown at, one after the other."""
    given = _given()
    if given is not None:
        yield given
        return
    with own_edge(free_port(), tmp_path_factory.mktemp("edge")) as started:
        yield started


@pytest.fixture
async def site(edge: Edge) -> AsyncIterator[Site]:
    """A fresh origin on the edge's port for each test: what it was asked is this test's alone."""
    origin = Origin()
    deadline = time.monotonic() + 10
    while True:
        try:
            await origin.start(edge.origin_port)
            break
        except OSError:
            if time.monotonic() > deadline:
                raise
            await asyncio.sleep(0.1)
    yield Site(origin, edge.host, edge.port)
    await origin.stop()
