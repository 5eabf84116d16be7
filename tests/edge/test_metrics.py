"""Counters of several workers add up, and Prometheus can read them."""

from __future__ import annotations

import pytest

from edge.counters import Counters, merge
from edge.metrics import render


def counters(hits: int, seconds: list[float]) -> Counters:
    found = Counters()
    found.counter("twopass_edge_x_total", 'Help with "quotes"\nand lines.', ("outcome",)).add(
        "hit", by=hits
    )
    found.gauge("twopass_edge_y", "A gauge.", lambda: 1.5)
    histogram = found.histogram("twopass_edge_z_seconds", "Durations.", ("kind",))
    for value in seconds:
        histogram.observe(value, "a")
    return found


def test_workers_add_up() -> None:
    snapshots = [counters(2, [0.003]).snapshot(), counters(3, [0.0, 99.0]).snapshot()]
    lines = render(merge(snapshots)).splitlines()

    assert 'twopass_edge_x_total{outcome="hit"} 5' in lines
    assert "twopass_edge_y 3" in lines
    assert 'twopass_edge_z_seconds_bucket{kind="a",le="0.001"} 1' in lines
    assert 'twopass_edge_z_seconds_bucket{kind="a",le="0.005"} 2' in lines
    assert 'twopass_edge_z_seconds_bucket{kind="a",le="10"} 2' in lines
    assert 'twopass_edge_z_seconds_bucket{kind="a",le="+Inf"} 3' in lines
    assert 'twopass_edge_z_seconds_count{kind="a"} 3' in lines
    assert 'twopass_edge_z_seconds_sum{kind="a"} 99.003' in lines


def test_help_and_labels_cannot_break_a_line() -> None:
    found = Counters()
    found.counter("twopass_edge_x_total", "a\nb", ("label",)).add('q"\n\\')

    assert render(found.snapshot()).splitlines() == [
        "# HELP twopass_edge_x_total a\\nb",
        "# TYPE twopass_edge_x_total counter",
        'twopass_edge_x_total{label="q\\"\\n\\\\"} 1',
    ]


def test_a_name_is_declared_once() -> None:
    found = Counters()
    found.counter("twopass_edge_x_total", "x")

    with pytest.raises(ValueError, match="twice"):
        found.counter("twopass_edge_x_total", "x")
