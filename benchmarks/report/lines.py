"""Line charts as inline SVG: latencies by percentile, and samples over time."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from html import escape
from typing import Final

from .bars import WIDTH, Rows
from .words import label, number

HEIGHT: Final = 280
LEFT: Final = 60
RIGHT: Final = 150
TOP: Final = 12
BOTTOM: Final = 30
_COLOURS: Final = ("#0b6e4f", "#b4541a", "#3b5b92", "#8a5a9e", "#6b7280", "#a3264b")

Line = Sequence[tuple[float, float]]


def percentiles(results: Rows) -> str:
    """Latency by percentile on a scale of nines, a line for each contestant; empty without any."""
    lines: dict[str, list[tuple[float, float]]] = {}
    for name, metrics in results.items():
        points = [
            (nines(float(found[1].replace("_", "."))), row["median"])
            for metric, row in metrics.items()
            if (found := re.fullmatch(r"p(\d+(?:_\d+)?)_ms", metric))
        ]
        if len(points) >= 4:
            lines[name] = sorted(points)
    ticks = [(nines(value), f"p{value:g}") for value in (50.0, 90.0, 99.0, 99.9, 99.99)]
    return _chart(lines, "latency by percentile, ms", ticks, is_log=True) if lines else ""


def over_time(series: Mapping[str, Line], metric: str) -> str:
    """One metric of each contestant over the minutes of a run, from 0 up."""
    longest = max((line[-1][0] for line in series.values() if line), default=0.0)
    if not longest:
        return ""
    unit, word = (60.0, "min") if longest >= 240 else (1.0, "s")
    lines = {name: [(at / unit, value) for at, value in line] for name, line in series.items()}
    step = _step(longest / unit)
    count = int(longest / unit / step) + 1
    ticks = [(step * n, f"{step * n:g} {word}") for n in range(count)]
    return _chart(lines, label(metric), ticks, is_log=False)


def nines(percentile: float) -> float:
    """Its place on a scale where each further nine takes the same room: 90 is 1, 99 is 2."""
    return -math.log10(1 - percentile / 100)


def _chart(
    lines: Mapping[str, Line], title: str, ticks: Sequence[tuple[float, str]], *, is_log: bool
) -> str:
    xs = [x for line in lines.values() for x, _ in line]
    ys = [y for line in lines.values() for _, y in line if y > 0] or [1.0]
    low = 10 ** math.floor(math.log10(min(ys))) if is_log else 0.0
    high = 10 ** math.ceil(math.log10(max(ys) * 1.0001)) if is_log else max(ys) * 1.1
    left, right = min(0.0 if not is_log else min(xs), min(xs)), max(max(xs), min(xs) + 1e-9)

    def x_of(x: float) -> float:
        return LEFT + (x - left) / (right - left) * (WIDTH - LEFT - RIGHT)

    def y_of(y: float) -> float:
        share = math.log(max(y, low) / low) / math.log(high / low) if is_log else y / high
        return HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM)

    marks = "".join(
        f'<path d="M{LEFT} {y_of(y):.1f}H{WIDTH - RIGHT}" class="grid"/>'
        f'<text x="{LEFT - 8}" y="{y_of(y) + 4:.1f}" text-anchor="end" class="tick">'
        f"{number(y)}</text>"
        for y in _levels(low, high, is_log)
    )
    marks += "".join(
        f'<text x="{x_of(x):.1f}" y="{HEIGHT - 8}" text-anchor="middle" class="tick">'
        f"{escape(text)}</text>"
        for x, text in ticks
        if left <= x <= right * 1.0001
    )
    ends: list[float] = []
    for at, (name, line) in enumerate(lines.items()):
        path = "L".join(f"{x_of(x):.1f} {y_of(y):.1f}" for x, y in line)
        colour = _COLOURS[at % len(_COLOURS)]
        end = _apart(y_of(line[-1][1]), ends)
        marks += (
            f'<path d="M{path}" fill="none" stroke="{colour}" stroke-width="2.2" '
            f'stroke-linejoin="round"/><text x="{WIDTH - RIGHT + 8}" y="{end + 4:.1f}" '
            f'style="fill:{colour}">{escape(name)}</text>'
        )
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(title)}" '
        f'xmlns="http://www.w3.org/2000/svg">{marks}</svg>'
    )


def _levels(low: float, high: float, is_log: bool) -> list[float]:
    if is_log:
        first, last = round(math.log10(low)), round(math.log10(high))
        return [10.0**power for power in range(first, last + 1)]
    step = _step(high)
    return [step * n for n in range(int(high / step) + 1)]


def _step(span: float) -> float:
    """A round distance that divides `span` into four to nine."""
    power = 10.0 ** math.floor(math.log10(span))
    steps = [power * part for part in (0.2, 0.5, 1.0)]
    return next((step for step in steps if span / step <= 6), power * 2)


def _apart(y: float, taken: list[float]) -> float:
    """A place for a label near `y` that no other label has."""
    while any(abs(y - other) < 15 for other in taken):
        y += 15
    taken.append(y)
    return y
