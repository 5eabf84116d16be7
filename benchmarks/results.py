"""What a run measured, as one stable document (docs/benchmarks.md describes its fields)."""

from __future__ import annotations

import json
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

FORMAT: Final = 1

Measurement = Mapping[str, float]
"""One round of one contestant: metric name → value."""

Series = Mapping[str, Sequence[tuple[float, float]]]
"""Samples over the time of a run: metric name → (seconds, value)."""


@dataclass(frozen=True, slots=True)
class Goal:
    """A ratio, or a metric, to be reached; `at_least` or `at_most`.

    `metric` of `contestant`; with `against`, the quotient of its medians over the best of those.
    """

    what: str
    contestant: str
    metric: str
    at_least: float | None = None
    at_most: float | None = None
    against: tuple[str, ...] = ()

    def is_met(self, measured: float) -> bool:
        """Whether `measured` reaches the goal."""
        if self.at_least is not None and measured < self.at_least:
            return False
        return self.at_most is None or measured <= self.at_most


@dataclass(slots=True)
class Result:
    """All rounds of one scenario, run on one machine, one after the other."""

    scenario: str
    what: str
    machine: dict[str, Any]
    versions: dict[str, str]
    seconds: float
    rounds: dict[str, list[Measurement]] = field(default_factory=dict)
    goals: tuple[Goal, ...] = ()
    notes: list[str] = field(default_factory=list)
    series: dict[str, Series] = field(default_factory=dict)
    contestants: dict[str, str] = field(default_factory=dict)
    commit: str = ""
    began: str = ""

    def median(self, contestant: str, metric: str) -> float | None:
        """The median over rounds; None when it was not measured."""
        values = [row[metric] for row in self.rounds.get(contestant, ()) if metric in row]
        return statistics.median(values) if values else None

    def to_json(self) -> dict[str, Any]:
        """The stable form: `{scenario, machine, versions, rounds, results, ratios, goals}`."""
        return {
            "format": FORMAT,
            "scenario": self.scenario,
            "what": self.what,
            "machine": self.machine,
            "versions": self.versions,
            "seconds": self.seconds,
            "rounds": {name: [dict(row) for row in rows] for name, rows in self.rounds.items()},
            "results": {name: _summary(rows) for name, rows in self.rounds.items()},
            "ratios": self._ratios(),
            "goals": [goal for goal in map(self._goal, self.goals) if goal is not None],
            "notes": self.notes,
            "contestants": {name: self.contestants.get(name, "") for name in self.rounds},
            "headline": list(dict.fromkeys(goal.metric for goal in self.goals)),
            "series": {name: _samples(series) for name, series in self.series.items()},
            "commit": self.commit,
            "began": self.began,
        }

    def _ratios(self) -> dict[str, dict[str, float]]:
        ratios: dict[str, dict[str, float]] = {}
        ours = _summary(self.rounds.get("twopass", []))
        for name, rows in self.rounds.items():
            if name == "twopass":
                continue
            theirs = _summary(rows)
            ratios[f"twopass/{name}"] = {
                metric: ours[metric]["median"] / theirs[metric]["median"]
                for metric in ours
                if metric in theirs and theirs[metric]["median"]
            }
        return ratios

    def _goal(self, goal: Goal) -> dict[str, Any] | None:
        measured = self.median(goal.contestant, goal.metric)
        if goal.against:
            others = [self.median(name, goal.metric) for name in goal.against]
            known = [value for value in others if value]
            if measured is None or not known:
                return None
            measured /= max(known)
        if measured is None:
            return None
        bound = f"≥ {goal.at_least:g}" if goal.at_least is not None else f"≤ {goal.at_most:g}"
        return {
            "what": goal.what,
            "goal": bound,
            "measured": measured,
            "met": goal.is_met(measured),
        }


def save(document: Mapping[str, Any], path: Path) -> None:
    """Write the document, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".part")
    draft.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    draft.replace(path)


def read(path: Path) -> dict[str, Any]:
    """A document that `save` wrote. Raises ValueError for one that is not of this format."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise ValueError(f"{path}: cannot be read as a result: {error}") from error
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise ValueError(f"{path}: not a result of format {FORMAT}; run the scenario again")
    return document


def _samples(series: Series) -> dict[str, list[list[float]]]:
    return {metric: [list(sample) for sample in line] for metric, line in series.items()}


def _summary(rows: Sequence[Measurement]) -> dict[str, dict[str, float]]:
    metrics = {metric for row in rows for metric in row}
    summary = {}
    for metric in sorted(metrics):
        values = [row[metric] for row in rows if metric in row]
        summary[metric] = {
            "median": statistics.median(values),
            "min": min(values),
            "max": max(values),
        }
    return summary
