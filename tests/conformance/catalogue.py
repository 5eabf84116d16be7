"""All scenarios, in the order of the table."""

from __future__ import annotations

from tests.conformance.scenario import Scenario
from tests.conformance.scenarios import (
    freshness,
    invalidation,
    storing,
    targeted,
    validation,
    vary,
)

CHAPTERS: dict[str, list[Scenario]] = {
    "Storing": storing.SCENARIOS,
    "Freshness, age, stale answers": freshness.SCENARIOS,
    "Selecting: Vary": vary.SCENARIOS,
    "Validation, conditions, ranges": validation.SCENARIOS,
    "Invalidation": invalidation.SCENARIOS,
    "Targeted control, Cache-Status, collapsing, passing": targeted.SCENARIOS,
}


def catalogue() -> list[Scenario]:
    """Every scenario."""
    return [scenario for chapter in CHAPTERS.values() for scenario in chapter]
