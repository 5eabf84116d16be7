"""Counters and gauges in Prometheus' text format, kept without a dependency.

Exposition format 0.0.4: one HELP and TYPE line a metric, label values escaped.
"""

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

Labels = tuple[tuple[str, str], ...]
Samples = Iterable[tuple[Labels, float]]


@dataclass(frozen=True, slots=True, eq=False)
class Metric:
    """Name, type and meaning of a metric. Found by identity: every query looks one up."""

    name: str
    kind: str
    help: str


QUERIES = Metric("dbrouting_queries_total", "counter", "Queries answered, by node.")
FAILURES = Metric("dbrouting_failures_total", "counter", "Failures of nodes, by node and kind.")
RETRIES = Metric("dbrouting_retries_total", "counter", "Queries tried again, by failed node.")
FALLBACKS = Metric(
    "dbrouting_fallbacks_total", "counter", "Replica reads that the primary served, by reason."
)
REJECTED = Metric("dbrouting_rejected_total", "counter", "Replica reads that found no node at all.")
TRIPS = Metric("dbrouting_trips_total", "counter", "Breakers tripped, by node.")
LSN_CHECKS = Metric(
    "dbrouting_lsn_checks_total", "counter", "Positions asked of a node, by node and outcome."
)
PINS = Metric("dbrouting_pins_total", "counter", "Visitors pinned to a position after a write.")
BAD_PINS = Metric("dbrouting_bad_pins_total", "counter", "Pin cookies that were not ours.")
HEALED = Metric(
    "dbrouting_primary_healed_total", "counter", "Links to the primary replaced, by reason."
)
NODE_UP = Metric("dbrouting_node_in_rotation", "gauge", "1 while queries may use the node.")
NODE_STATE = Metric("dbrouting_breaker_state", "gauge", "1 for the state the breaker is in.")
LAG_SECONDS = Metric("dbrouting_lag_seconds", "gauge", "Age of what the node has replayed.")
LAG_BYTES = Metric("dbrouting_lag_bytes", "gauge", "Log the node has yet to replay.")

_lock = threading.Lock()
_counters: dict[Metric, dict[Labels, float]] = {}
_gauges: list[Callable[[], Iterable[tuple[Metric, Labels, float]]]] = []


def count(metric: Metric, **labels: str) -> None:
    """Add one to a counter."""
    count_key(metric, tuple(labels.items()))


def count_key(metric: Metric, key: Labels) -> None:
    """Add one, with the labels ready made: what every query calls."""
    with _lock:
        series = _counters.setdefault(metric, {})
        series[key] = series.get(key, 0) + 1


def value(metric: Metric, **labels: str) -> float:
    """A counter's value, summed over all labels that are not given."""
    wanted = set(labels.items())
    with _lock:
        return sum(v for key, v in _counters.get(metric, {}).items() if wanted <= set(key))


def add_gauges(read: Callable[[], Iterable[tuple[Metric, Labels, float]]]) -> None:
    """Have `read` asked whenever metrics are rendered; a second time changes nothing."""
    if read not in _gauges:
        _gauges.append(read)


def render() -> str:
    """Everything in Prometheus' text format."""
    series: dict[Metric, list[tuple[Labels, float]]] = {}
    with _lock:
        for metric, values in _counters.items():
            series[metric] = list(values.items())
    for read in _gauges:
        for metric, labels, number in read():
            series.setdefault(metric, []).append((labels, number))
    return "".join(_block(metric, samples) for metric, samples in series.items())


def view(request: HttpRequest) -> HttpResponse:
    """A view for urls.py; guard it the way you guard the admin."""
    return HttpResponse(render(), content_type=CONTENT_TYPE)


def _block(metric: Metric, samples: Samples) -> str:
    lines = [f"# HELP {metric.name} {metric.help}", f"# TYPE {metric.name} {metric.kind}"]
    for labels, number in samples:
        shown = ",".join(f'{key}="{_escaped(text)}"' for key, text in labels)
        name = f"{metric.name}{{{shown}}}" if shown else metric.name
        lines.append(f"{name} {number:.15g}")
    return "\n".join(lines) + "\n"


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


def after_fork() -> None:
    """Replace the lock in a child: a thread that it lacks may have held it."""
    global _lock
    _lock = threading.Lock()
