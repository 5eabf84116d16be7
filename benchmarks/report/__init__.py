"""One page over the results: ratios first, then plots, then raw numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import jinja2

from .plots import bars

_ENVIRONMENT = jinja2.Environment(
    loader=jinja2.PackageLoader("benchmarks.report", "templates"),
    autoescape=jinja2.select_autoescape(["html"]),
    trim_blocks=True,
    lstrip_blocks=True,
    undefined=jinja2.StrictUndefined,
)
_ENVIRONMENT.globals["bars"] = bars


def write(documents: Sequence[Mapping[str, Any]], html: Path, markdown: Path) -> list[Path]:
    """Write the HTML page and the Markdown page from the same results; their paths."""
    for path, template in ((html, "report.html"), (markdown, "report.md")):
        path.parent.mkdir(parents=True, exist_ok=True)
        text = _ENVIRONMENT.get_template(template).render(documents=documents)
        path.write_text(text, encoding="utf-8")
    return [html, markdown]


def number(value: float) -> str:
    """Three significant digits, thousands apart."""
    if value >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}"


_ENVIRONMENT.filters["number"] = number
