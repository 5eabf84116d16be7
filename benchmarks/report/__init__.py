"""One page over the results: goals and ratios first, then plots, then raw numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import jinja2

from . import bars, lines, words
from .configurations import configurations

_ENVIRONMENT = jinja2.Environment(
    loader=jinja2.PackageLoader("benchmarks.report", "templates"),
    autoescape=jinja2.select_autoescape(["html"]),
    trim_blocks=True,
    lstrip_blocks=True,
    undefined=jinja2.StrictUndefined,
)
_ENVIRONMENT.globals.update(
    bars=bars.bars,
    percentiles=lines.percentiles,
    over_time=lines.over_time,
    metrics_of=words.metrics_of,
    ordered=words.ordered,
    configurations=configurations,
    provenance=words.provenance,
)
_ENVIRONMENT.filters.update(
    number=words.number,
    factor=words.factor,
    label=words.label,
    margin=words.margin,
    spread=words.spread,
    better_low=words.is_better_low,
)


def write(documents: Sequence[Mapping[str, Any]], html: Path, markdown: Path) -> list[Path]:
    """Write the HTML page and the Markdown page from the same results; their paths.

    The results may be of any scenarios, in any number; what was not measured is not mentioned.
    """
    for path, template in ((html, "report.html"), (markdown, "report.md")):
        path.parent.mkdir(parents=True, exist_ok=True)
        text = _ENVIRONMENT.get_template(template).render(documents=documents)
        path.write_text(text, encoding="utf-8")
    return [html, markdown]
