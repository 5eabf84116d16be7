"""What a run has done, so that one that was killed goes on where it was."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

MAX_AGE: Final = 3600.0
"""Seconds after its last line in which a journal is gone on with: what was done before may have
been purged, or have expired, and nobody would look at it again."""


def default_path(release: str) -> Path:
    """Where the journal lies unless DATACACHE['REBUILD_JOURNAL'] says otherwise."""
    return Path(tempfile.gettempdir()) / f"twopass-rebuild-{release or 'current'}.journal"


class Journal:
    """A file of lines: what the run is for, then the pages that are done.

    It is there only while a run goes on, or when one was killed. Another for the same thing goes on
    with it, unless it is `too_old`, of so many seconds; for something else one begins anew. A line
    that was cut by a crash counts as not written. `now`: seconds since the epoch.
    """

    def __init__(self, path: Path, purpose: dict[str, Any], now: float) -> None:
        self.path = path
        self.too_old: float | None = None
        self.done: set[str] = set()
        head = json.dumps(purpose, sort_keys=True) + "\n"
        lines = _lines(path)
        if lines[0] == head:
            age = now - path.stat().st_mtime
            if age <= MAX_AGE:
                self.done = {line[:-1] for line in lines[1:] if line.endswith("\n")}
            else:
                self.too_old = age
        self._file = path.open("w", encoding="utf-8")
        self._file.write(head)
        self.add(self.done)

    def add(self, pages: Iterable[str]) -> None:
        """These are done."""
        self._file.writelines(f"{page}\n" for page in pages)
        self._file.flush()

    def close(self, *, has_ended: bool) -> None:
        """Keep it for the next run only if this one was stopped before its end: what failed is then

        no reason to pass over what has been purged since."""
        self._file.close()
        if has_ended:
            self.path.unlink(missing_ok=True)


def _lines(path: Path) -> list[str]:
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            return list(file) or [""]
    except FileNotFoundError:
        return [""]
