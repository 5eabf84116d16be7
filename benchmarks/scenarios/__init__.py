"""The scenarios, by name."""

from __future__ import annotations

from functools import partial
from importlib import import_module

from ..scenario import Registry, Scenario

NAMES = (
    "hit", "personal-5", "personal-20", "gzip", "csrf", "slow-fragments", "shop", "miss",
    "replica-failover", "replica-overhead", "lint", "rebuild", "datacache",
)  # fmt: skip


def _load(name: str) -> Scenario:
    scenario: Scenario = import_module(f"{__name__}.{name.replace('-', '_')}").SCENARIO
    return scenario


SCENARIOS = Registry({name: partial(_load, name) for name in NAMES})
