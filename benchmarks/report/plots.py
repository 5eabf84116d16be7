"""Bar charts as inline SVG: medians, with the spread of the rounds as a whisker."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any, Final

ROW: Final = 34
LABELS: Final = 170
WIDTH: Final = 720
OURS: Final = "#0b6e4f"
THEIRS: Final = "#8a94a6"


def bars(results: Mapping[str, Mapping[str, Mapping[str, float]]], metric: str) -> str:
    """A chart of `metric` over all contestants that have it; empty when none has."""
    rows = [(name, metrics[metric]) for name, metrics in results.items() if metric in metrics]
    if not rows:
        return ""
    largest = max(row["max"] for _, row in rows) or 1.0
    scale = (WIDTH - LABELS - 110) / largest
    marks = "".join(_bar(number, name, row, scale) for number, (name, row) in enumerate(rows))
    height = ROW * len(rows) + 8
    return (
        f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{escape(metric)}" '
        f'xmlns="http://www.w3.org/2000/svg">{marks}</svg>'
    )


def _bar(number: int, name: str, row: Mapping[str, Any], scale: float) -> str:
    top, colour = number * ROW + 6, OURS if name.startswith("twopass") else THEIRS
    width, middle = max(1.0, row["median"] * scale), number * ROW + 18
    left, right = LABELS + row["min"] * scale, LABELS + row["max"] * scale
    figure = f"{row['median']:,.0f}" if row["median"] >= 100 else f"{row['median']:.3g}"
    return (
        f'<text x="{LABELS - 10}" y="{middle + 4}" text-anchor="end">{escape(name)}</text>'
        f'<rect x="{LABELS}" y="{top}" width="{width:.1f}" height="24" rx="3" fill="{colour}"/>'
        f'<path d="M{left:.1f} {middle}H{right:.1f}M{left:.1f} {middle - 5}v10'
        f'M{right:.1f} {middle - 5}v10" stroke="#1c2330" fill="none"/>'
        f'<text x="{right + 8:.1f}" y="{middle + 4}">{figure}</text>'
    )
