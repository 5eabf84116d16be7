"""Bar charts as inline SVG: medians, with the spread of the rounds as a whisker."""

from __future__ import annotations

import math
from collections.abc import Mapping
from html import escape
from typing import Final

from .words import label, number

ROW: Final = 34
LABELS: Final = 170
WIDTH: Final = 760
FIGURES: Final = 120
LOG_FROM: Final = 40.0
"""Times by which the largest exceeds the smallest before the scale is logarithmic."""

Rows = Mapping[str, Mapping[str, Mapping[str, float]]]


def bars(results: Rows, metric: str) -> str:
    """A chart of `metric` over all contestants that have it; empty when none has."""
    rows = {name: metrics[metric] for name, metrics in results.items() if metric in metrics}
    rows = {name: row for name, row in rows.items() if math.isfinite(row["max"])}
    if not rows or not any(row["max"] for row in rows.values()):
        return ""
    scale = Scale.of([value for row in rows.values() for value in (row["min"], row["max"])])
    marks = "".join(_bar(at, name, row, scale) for at, (name, row) in enumerate(rows.items()))
    height = ROW * len(rows) + (24 if scale.is_log else 8)
    return (
        f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{escape(label(metric))}" '
        f'xmlns="http://www.w3.org/2000/svg">{scale.grid(height)}{marks}</svg>'
    )


class Scale:
    """From a value to its place, linear from 0 or logarithmic from a power of ten."""

    def __init__(self, low: float, high: float, is_log: bool) -> None:
        self.low, self.high, self.is_log = low, high, is_log

    @classmethod
    def of(cls, values: list[float]) -> Scale:
        """Wide enough for all of them."""
        high, low = max(values), min((value for value in values if value > 0), default=1.0)
        if high / low < LOG_FROM:
            return cls(0.0, high, False)
        return cls(10.0 ** (math.ceil(math.log10(low)) - 1), high, True)

    def place(self, value: float) -> float:
        """The x of a value."""
        if self.is_log:
            share = math.log(max(value, self.low) / self.low) / math.log(self.high / self.low)
        else:
            share = value / self.high
        return LABELS + share * (WIDTH - LABELS - FIGURES)

    def grid(self, height: int) -> str:
        """Lines at the powers of ten; none on a linear scale, whose bars speak for themselves."""
        if not self.is_log:
            return ""
        lines, power = "", self.low
        while power <= self.high:
            x = self.place(power)
            lines += (
                f'<path d="M{x:.1f} 2V{height - 20}" class="grid"/>'
                f'<text x="{x:.1f}" y="{height - 6}" text-anchor="middle" class="tick">'
                f"{number(power)}</text>"
            )
            power *= 10
        return lines


def _bar(at: int, name: str, row: Mapping[str, float], scale: Scale) -> str:
    top, middle = at * ROW + 6, at * ROW + 18
    end, left, right = (scale.place(row[key]) for key in ("median", "min", "max"))
    kind = "ours" if name.startswith("twopass") else "theirs"
    return (
        f'<text x="{LABELS - 10}" y="{middle + 4}" text-anchor="end">{escape(name)}</text>'
        f'<rect x="{LABELS}" y="{top}" width="{max(1.0, end - LABELS):.1f}" height="24" rx="3" '
        f'class="{kind}"/>'
        f'<path d="M{left:.1f} {middle}H{right:.1f}M{left:.1f} {middle - 5}v10'
        f'M{right:.1f} {middle - 5}v10" class="whisker"/>'
        f'<text x="{right + 8:.1f}" y="{middle + 4}">{number(row["median"])}</text>'
    )
