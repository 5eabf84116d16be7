"""The scenarios, by name."""

from __future__ import annotations

from functools import partial
from importlib import import_module

from ..scenario import Registry, Scenario

NAMES = (
    "hit", "personal-5", "personal-20", "gzip", "csrf", "slow-fragments", "miss",
    "shop", "visitors", "soak", "scale", "purge", "decision",
    "replica-failover", "replica-overhead", "lint", "rebuild", "datacache",
)  # fmt: skip

_ELSEWHERE = {"visitors": "open_loop"}
"""Modules of another name than their scenario."""


def _load(name: str) -> Scenario:
    module = _ELSEWHERE.get(name, name.replace("-", "_"))
    scenario: Scenario = import_module(f"{__name__}.{module}").SCENARIO
    return scenario


SCENARIOS = Registry({name: partial(_load, name) for name in NAMES})
