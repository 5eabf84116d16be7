"""The result document: medians, ratios, goals; what is no result is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks import results
from benchmarks.results import Goal, Result


def result(**changes: Any) -> Result:
    values: dict[str, Any] = {
        "scenario": "hit",
        "what": "A page.",
        "machine": {"processor": "x <y>", "cores": 2, "memory_gib": 4},
        "versions": {"python": "3.11"},
        "seconds": 1.0,
        "rounds": {
            "twopass": [{"rate": 100.0}, {"rate": 300.0}, {"rate": 200.0}],
            "django": [{"rate": 10.0, "other": 1.0}, {"rate": 20.0}],
            "slow": [{"rate": 5.0}],
        },
    }
    return Result(**(values | changes))


def test_medians_and_ratios() -> None:
    document = result().to_json()

    assert document["results"]["twopass"]["rate"] == {"median": 200, "min": 100, "max": 300}
    assert document["ratios"]["twopass/django"] == {"rate": 200 / 15}
    assert document["ratios"]["twopass/slow"] == {"rate": 40}


@pytest.mark.parametrize(
    ("goal", "measured", "met"),
    [
        (Goal("w", "twopass", "rate", at_least=200), 200, True),
        (Goal("w", "twopass", "rate", at_least=201), 200, False),
        (Goal("w", "twopass", "rate", at_most=199), 200, False),
        (Goal("w", "twopass", "rate", at_least=13, against=("slow", "django")), 200 / 15, True),
    ],
)
def test_goals(goal: Goal, measured: float, met: bool) -> None:
    (told,) = result(goals=(goal,)).to_json()["goals"]

    assert told["measured"] == pytest.approx(measured)
    assert told["met"] is met


def test_a_goal_against_an_absent_peer_says_nothing() -> None:
    goal = Goal("w", "twopass", "rate", at_least=1, against=("nginx",))

    assert result(goals=(goal,)).to_json()["goals"] == []


def test_documents_are_written_whole_and_read_back(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "hit.json"
    results.save(result().to_json(), path)

    assert results.read(path) == result().to_json()
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("text", ["", "{", "[]", '{"format": 99}', "\xff"])
def test_what_is_no_result_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "x.json"
    path.write_text(text, encoding="latin-1")

    with pytest.raises(ValueError, match=r"x\.json"):
        results.read(path)


def test_the_document_keeps_its_form() -> None:
    """docs/benchmarks.md describes these fields; others read them."""
    goal = Goal("w", "twopass", "rate", at_least=3)
    samples = {"twopass": {"memory": [(0.0, 1.5)]}}
    document = result(goals=(goal,), series=samples, commit="1a2b", began="2026-01-02").to_json()

    assert list(document) == [
        *("format", "scenario", "what", "machine", "versions", "seconds"),
        *("rounds", "results", "ratios", "goals", "notes", "contestants", "headline", "series"),
        *("commit", "began"),
    ]
    assert document["format"] == 1
    assert document["rounds"]["slow"] == [{"rate": 5.0}]
    assert document["results"]["slow"] == {"rate": {"median": 5.0, "min": 5.0, "max": 5.0}}
    assert set(document["ratios"]) == {"twopass/django", "twopass/slow"}
    assert document["goals"] == [{"what": "w", "goal": "≥ 3", "measured": 200.0, "met": True}]
    assert document["contestants"] == {"twopass": "", "django": "", "slow": ""}
    assert document["headline"] == ["rate"]
    assert document["series"] == {"twopass": {"memory": [[0.0, 1.5]]}}
    assert (document["commit"], document["began"]) == ("1a2b", "2026-01-02")
    assert json.loads(json.dumps(document)) == document
