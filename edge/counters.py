"""Counters of one process: plain numbers on the hit path, Prometheus on the admin port."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

Kind = Literal["counter", "gauge", "histogram"]
LabelValues = tuple[str, ...]

SECONDS: tuple[float, ...] = (0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
"""Upper bounds of histograms of durations."""


@dataclass(slots=True)
class Counter:
    """A number that only grows, one per combination of label values."""

    name: str
    help: str
    labels: tuple[str, ...] = ()
    values: dict[LabelValues, float] = field(default_factory=dict)
    kind: Kind = "counter"

    def add(self, *labels: str, by: float = 1) -> None:
        """Count; `labels` in their declared order, from closed sets (never visitor text)."""
        self.values[labels] = self.values.get(labels, 0) + by

    def total(self) -> float:
        """The sum over all labels."""
        return sum(self.values.values())

    def snapshot(self) -> dict[str, Any]:
        """A JSON-able picture, which `merge` adds up over workers."""
        return {
            "name": self.name,
            "help": self.help,
            "kind": self.kind,
            "labels": list(self.labels),
            "values": [[list(key), value] for key, value in self.values.items()],
        }


@dataclass(slots=True)
class Gauge:
    """A number read when asked for."""

    name: str
    help: str
    read: Callable[[], float]

    def snapshot(self) -> dict[str, Any]:
        """As `Counter.snapshot`."""
        return {
            "name": self.name,
            "help": self.help,
            "kind": "gauge",
            "labels": [],
            "values": [[[], self.read()]],
        }


@dataclass(slots=True)
class Histogram:
    """Durations in seconds by upper bound, cumulative only when rendered."""

    name: str
    help: str
    labels: tuple[str, ...] = ()
    bounds: tuple[float, ...] = SECONDS
    buckets: dict[LabelValues, list[float]] = field(default_factory=dict)

    def observe(self, seconds: float, *labels: str) -> None:
        """Take in one duration."""
        row = self.buckets.get(labels)
        if row is None:
            row = self.buckets[labels] = [0.0] * (len(self.bounds) + 2)
        row[bisect_left(self.bounds, seconds)] += 1
        row[-1] += seconds

    def snapshot(self) -> dict[str, Any]:
        """As `Counter.snapshot`; the last number of a row is the sum of seconds."""
        return {
            "name": self.name,
            "help": self.help,
            "kind": "histogram",
            "labels": list(self.labels),
            "bounds": list(self.bounds),
            "values": [[list(key), list(row)] for key, row in self.buckets.items()],
        }


M = TypeVar("M", Counter, Gauge, Histogram)


class Counters:
    """The registry of one edge process. Names start with `twopass_edge_`."""

    def __init__(self) -> None:
        self._metrics: dict[str, Counter | Gauge | Histogram] = {}

    def counter(self, name: str, help: str, labels: tuple[str, ...] = ()) -> Counter:  # noqa: A002
        """Declare a counter; its name ends in `_total`."""
        return self._add(Counter(name, help, labels))

    def gauge(self, name: str, help: str, read: Callable[[], float]) -> Gauge:  # noqa: A002
        """Declare a gauge that `read` gives."""
        return self._add(Gauge(name, help, read))

    def histogram(self, name: str, help: str, labels: tuple[str, ...] = ()) -> Histogram:  # noqa: A002
        """Declare a histogram of durations; its name ends in `_seconds`."""
        return self._add(Histogram(name, help, labels))

    def snapshot(self) -> list[dict[str, Any]]:
        """Pictures of all, in order of declaration."""
        return [metric.snapshot() for metric in self._metrics.values()]

    def _add(self, metric: M) -> M:
        if metric.name in self._metrics:
            raise ValueError(f"metric {metric.name} is declared twice")
        self._metrics[metric.name] = metric
        return metric


def merge(snapshots: Iterable[list[dict[str, Any]]]) -> list[dict[str, Any]]:
    """Snapshots of several workers as one: values of the same labels are added up."""
    merged: dict[str, dict[str, Any]] = {}
    for snapshot in snapshots:
        for metric in snapshot:
            target = merged.setdefault(metric["name"], {**metric, "values": []})
            rows = {tuple(key): value for key, value in target["values"]}
            for key, value in metric["values"]:
                labels = tuple(key)
                rows[labels] = _sum(rows.get(labels), value)
            target["values"] = [[list(key), value] for key, value in rows.items()]
    return list(merged.values())


def _sum(first: Any, second: Any) -> Any:
    if first is None:
        return second
    if isinstance(second, list):
        return [one + other for one, other in zip(first, second, strict=True)]
    return first + second
