"""Counters in Prometheus's text exposition format (version 0.0.4)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import accumulate
from typing import Any, Final

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"


def render(snapshot: Iterable[dict[str, Any]]) -> str:
    """The page that Prometheus scrapes, from merged snapshots (`edge.counters`)."""
    return "\n".join(line for metric in snapshot for line in _lines(metric)) + "\n"


def _lines(metric: dict[str, Any]) -> Iterator[str]:
    name = metric["name"]
    yield f"# HELP {name} {_escape(metric['help'])}"
    yield f"# TYPE {name} {metric['kind']}"
    for values, value in metric["values"]:
        labels = dict(zip(metric["labels"], values, strict=True))
        if metric["kind"] == "histogram":
            yield from _histogram(name, labels, metric["bounds"], value)
        else:
            yield f"{name}{_labels(labels)} {_number(value)}"


def _histogram(
    name: str, labels: dict[str, str], bounds: list[float], row: list[float]
) -> Iterator[str]:
    counts = list(accumulate(row[:-1]))
    for bound, count in zip([*map(_number, bounds), "+Inf"], counts, strict=True):
        yield f"{name}_bucket{_labels({**labels, 'le': bound})} {_number(count)}"
    yield f"{name}_sum{_labels(labels)} {_number(row[-1])}"
    yield f"{name}_count{_labels(labels)} {_number(counts[-1])}"


def _labels(labels: dict[str, str]) -> str:
    if not labels:
        return ""
    inside = ",".join(f'{name}="{_escape(value)}"' for name, value in labels.items())
    return "{" + inside.replace("\n", "\\n") + "}"


def _escape(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')


def _number(value: float) -> str:
    return str(int(value)) if float(value).is_integer() else repr(float(value))
