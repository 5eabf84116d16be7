"""A panel for django-debug-toolbar: which level answered what.

DEBUG_TOOLBAR_PANELS = [..., "origin.datacache.panel.DataCachePanel"]
"""

from __future__ import annotations

from typing import Any

from debug_toolbar.panels import Panel
from django.http import HttpRequest, HttpResponseBase
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from . import stats


class DataCachePanel(Panel):
    """What this process's data caches counted during one request."""

    title = "Data cache"
    panel_id = "TwoPassDataCache"
    has_content = True

    def enable_instrumentation(self) -> None:
        """Remember where the counts stood."""
        self._before = stats.snapshot()
        self._labels = stats.by_label()

    def disable_instrumentation(self) -> None:
        """Nothing was changed."""

    @property
    def nav_subtitle(self) -> str:
        """The levels' answers in one line."""
        counted: dict[str, float] = self._recorded().get("counted", {})
        parts = (f"{counted.get(f'hits_{level}', 0):.0f} {level}" for level in stats.LEVELS)
        return ", ".join(parts)

    def generate_stats(self, request: HttpRequest, response: HttpResponseBase) -> None:
        """What was counted meanwhile; requests of other threads at the same time count too."""
        now = stats.snapshot()
        labels = {
            f"{level}: {label}": number - self._labels.get((level, label), 0)
            for (level, label), number in stats.by_label().items()
        }
        counted = {name: now[name] - self._before.get(name, 0) for name in now}
        record: Any = self.record_stats  # the package has no types
        record({"counted": counted, "labels": {name: n for name, n in labels.items() if n}})

    def _recorded(self) -> dict[str, Any]:
        recorded: Any = self.get_stats
        found: dict[str, Any] = recorded()
        return found

    @property
    def content(self) -> SafeString:
        """Two tables."""
        found = self._recorded()
        rows = [(name, f"{n:.3f}".rstrip("0").rstrip(".")) for name, n in found["counted"].items()]
        return format_html(
            "<table>{}</table><h4>By declaration</h4><table>{}</table>",
            format_html_join("", "<tr><th>{}</th><td>{}</td></tr>", rows),
            format_html_join("", "<tr><th>{}</th><td>{}</td></tr>", found["labels"].items()),
        )
