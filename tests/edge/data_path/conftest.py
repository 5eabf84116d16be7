"""The data path's tests drive a real app against a scripted origin (origin.py beside this file)."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from collections.abc import AsyncIterator

import pytest
from bench import Bench

from origin import ScriptedOrigin


@pytest.fixture
def origin() -> ScriptedOrigin:
    return ScriptedOrigin()


@pytest.fixture
async def bench(origin: ScriptedOrigin) -> AsyncIterator[Bench]:
    async with Bench(origin) as running:
        yield running
