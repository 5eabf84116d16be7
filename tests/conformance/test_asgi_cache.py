"""The cache as ASGI middleware, played through the same scenarios."""

from __future__ import annotations

import asyncio

import pytest

from edge.asgi_cache import CacheMiddleware
from tests.conformance.bridge import OriginApp, served
from tests.conformance.catalogue import catalogue
from tests.conformance.origin import Origin
from tests.conformance.play import Proxy, Result, play_all

# There is no connection that an origin could leave: an application that fails answers 500.
NOT_OF_AN_APPLICATION = {"stale-must-revalidate-status"}
# Optional, and not done here either.
DECLINED = {"collapse-cold"}


async def _play() -> list[Result]:
    origin = Origin()
    middleware = CacheMiddleware(OriginApp(await origin.start()))
    async with served(middleware) as port:
        found = await play_all(catalogue(), Proxy("127.0.0.1", port), origin)
    await middleware.edge.aclose()
    await origin.stop()
    return found


@pytest.fixture(scope="module")
def results() -> list[Result]:
    return asyncio.run(_play())


@pytest.mark.parametrize("kind", ["required", "optional"])
def test_everything(results: list[Result], kind: str) -> None:
    failed = {
        result.scenario.id: result.detail
        for result in results
        if result.scenario.kind == kind and result.verdict != "pass"
    }

    assert {k: v for k, v in failed.items() if k not in NOT_OF_AN_APPLICATION | DECLINED} == {}


def test_what_is_left_out_is_not_there(results: list[Result]) -> None:
    failed = {result.scenario.id for result in results if result.verdict != "pass"}

    assert failed >= NOT_OF_AN_APPLICATION | DECLINED
