"""The fast path's tests drive both paths of one edge; the origin is that of the data path's."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "data_path"))
sys.path.insert(0, str(Path(__file__).parent))

from collections.abc import AsyncIterator

import pytest
from bench import Bench
from lines import Lines

from origin import ScriptedOrigin


@pytest.fixture
def origin() -> ScriptedOrigin:
    return ScriptedOrigin()


@pytest.fixture
async def bench(origin: ScriptedOrigin) -> AsyncIterator[Bench]:
    # br and zstd come about beside the event loop, so between two answers that are compared;
    # test_encodings has them
    async with Bench(origin, encodings=("gzip",)) as running:
        yield running


@pytest.fixture
def lines(bench: Bench) -> Lines:
    return Lines(bench)
