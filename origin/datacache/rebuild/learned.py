"""Which groups pages were last known to have. Edges forget a page's groups when they are purged."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

MAX_PAGES: Final = 100_000
"""URLs that are remembered; those learned longest ago leave first. 20 MB at ten groups each."""


def path_beside(journal: str) -> Path:
    """Where they lie: beside the journal, if the settings name one."""
    return Path(f"{journal or Path(tempfile.gettempdir()) / 'twopass-rebuild'}.groups")


class Learned:
    """Groups by URL, in a file that is written whole. One that cannot be read knows nothing."""

    def __init__(self, path: Path) -> None:
        self.groups: dict[str, tuple[str, ...]] = {}
        self._path = path
        try:
            rows = json.loads(path.read_text(encoding="utf-8"))
            self.groups = {str(url): tuple(map(str, groups)) for url, groups in rows.items()}
        except FileNotFoundError:
            pass
        except (ValueError, AttributeError, TypeError):
            self.groups = {}

    def learn(self, groups: Mapping[str, Iterable[str]]) -> None:
        """What these pages have now, in place of what they had."""
        for url, found in groups.items():
            self.groups.pop(url, None)
            self.groups[url] = tuple(found)
        for url in list(self.groups)[: max(0, len(self.groups) - MAX_PAGES)]:
            del self.groups[url]

    def save(self) -> None:
        """Keep it for the next run. Raises OSError."""
        fresh = self._path.with_name(f"{self._path.name}.new")
        fresh.write_text(json.dumps(self.groups), encoding="utf-8")
        fresh.replace(self._path)
