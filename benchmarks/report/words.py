"""Names and figures as people read them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

TIMES: Final = " \u00d7"
_NAMES: Final = {
    "requests_per_second": "pages per second",
    "bytes_per_response": "bytes per response",
    "held_pages_per_second": "highest pages per second that hold",
    "client_busy": "load client busy",
}
_UNITS: Final = {"ms": "ms", "us": "\u00b5s", "mib": "MiB", "seconds": "s"}
_BETTER_LOW: Final = ("_ms", "seconds", "_mib", "_growth", "_errors", "descriptors")
_BETTER_LOW_WORDS: Final = (
    "bytes",
    "queries",
    "requests_per_page",
    "renderings",
    "_ms_per",
    "database",
    "failed",
    "_us",
    "microseconds",
    "seconds_per",
    "lost",
)
_FIRST: Final = (
    "held_pages_per_second", "pages_per_second", "requests_per_second", "whole_page_ms",
    "first_byte_ms", "p50_ms", "p99_ms", "warm_us", "list_warm_us", "count_warm_us",
)  # fmt: skip
_ASIDE: Final = (
    "max_ms",
    "client_busy",
    "client_busy_200kb",
    "pages",
    "changes_per_second",
    "purges",
)


def label(metric: str) -> str:
    """A metric's name for people: `p99_9_ms` is "p99.9, ms"."""
    if metric in _NAMES:
        return _NAMES[metric]
    if size := re.fullmatch(r"(.+)_(\d+)kb", metric):
        return f"{label(size[1])}, at {size[2]} kB"
    if parts := re.fullmatch(r"(.+)_of_(\d+)(_ms)?", metric):
        return f"{label(parts[1] + (parts[3] or ''))}, page of {parts[2]} parts"
    if percentile := re.fullmatch(r"p(\d+)(?:_(\d+))?_ms", metric):
        return f"p{percentile[1]}{'.' + percentile[2] if percentile[2] else ''}, ms"
    words = metric.split("_")
    if words[-1] in _UNITS and len(words) > 1 and words[-2] != "per":
        return f"{' '.join(words[:-1])}, {_UNITS[words[-1]]}"
    return " ".join(words)


def is_better_low(metric: str) -> bool:
    """Whether less of it is better."""
    metric = re.sub(r"_\d+kb$", "", metric)
    return metric.endswith(_BETTER_LOW) or any(word in metric for word in _BETTER_LOW_WORDS)


def ordered(metrics: Iterable[str]) -> list[str]:
    """What a scenario is about first, what only explains it last."""
    found = list(metrics)

    def place(metric: str) -> tuple[int, int]:
        if metric in _FIRST:
            return _FIRST.index(metric), 0
        return len(_FIRST) + (metric in _ASIDE), found.index(metric)

    return sorted(found, key=place)


def metrics_of(document: Mapping[str, Any]) -> list[str]:
    """All metrics of a result: those that its goals are about first, the rest `ordered`."""
    there = dict.fromkeys(name for row in document["results"].values() for name in row)
    first = [name for name in document.get("headline", ()) if name in there]
    return [*first, *(name for name in ordered(there) if name not in first)]


def number(value: float) -> str:
    """Three significant digits, thousands apart."""
    if value != value or value in (float("inf"), float("-inf")):
        return "none"
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    if abs(value) >= 100:
        return f"{value:.0f}"
    return f"{value:.3g}" if abs(value) >= 0.001 or not value else f"{value:.1e}"


def spread(row: Mapping[str, float]) -> str:
    """A median with what the rounds lay between: "70,427 (69,800 to 71,200)"."""
    median, least, most = (number(row[name]) for name in ("median", "min", "max"))
    return median if least == most else f"{median} ({least} to {most})"


def provenance(document: Mapping[str, Any]) -> str:
    """When a result was measured, and from which commit; older ones do not tell."""
    when, commit = (document.get(name) or "not recorded" for name in ("began", "commit"))
    return f"Measured: {when}; commit: {commit}."


def factor(ratio: float) -> str:
    """A quotient as it reads well: "5.2 times", or "1/12" for small ones."""
    return f"{number(ratio)}{TIMES}" if ratio >= 0.1 or not ratio else f"1/{number(1 / ratio)}"


def margin(goal: Mapping[str, Any]) -> str:
    """By how much a goal is met or missed."""
    sign, _, text = goal["goal"].partition(" ")
    bound, measured = float(text), goal["measured"]
    if not bound:
        return "exactly" if goal["met"] else f"missed by {number(measured)}"
    share = measured / bound
    if goal["met"]:
        reached = f"{number(share)}{TIMES} the goal"
        return f"met, {reached if sign == '≥' else f'{share:.0%} of what is allowed'}"
    return f"missed, {1 - share:.0%} short" if sign == "≥" else f"missed, {share - 1:.0%} over"
