"""What a run has done, so that one that was killed goes on where it was."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any


def default_path(release: str) -> Path:
    """Where the journal lies unless DATACACHE['REBUILD_JOURNAL'] says otherwise."""
    return Path(tempfile.gettempdir()) / f"twopass-rebuild-{release or 'current'}.journal"


class Journal:
    """A file of lines: what the run is for, then the pages that are done.

    A run for the same thing goes on; for another one it begins anew. A line that was cut by a
    crash counts as not written.
    """

    def __init__(self, path: Path, purpose: dict[str, Any]) -> None:
        self.path = path
        self._purpose = json.dumps(purpose, sort_keys=True)
        self.done: set[str] = set()
        if self._is_ours():
            lines = path.read_text(encoding="utf-8").split("\n")[1:-1]
            self.done = set(lines)
        else:
            path.write_text(self._purpose + "\n", encoding="utf-8")
        self._file = path.open("a", encoding="utf-8")
        if self.done or path.stat().st_size > len(self._purpose) + 1:
            self._file.write("\n")  # ends a line that was cut

    def add(self, pages: Iterable[str]) -> None:
        """These are done."""
        self._file.writelines(f"{page}\n" for page in pages)
        self._file.flush()

    def close(self, *, is_complete: bool) -> None:
        """Keep it for the next run, unless there is nothing left to do."""
        self._file.close()
        if is_complete:
            self.path.unlink(missing_ok=True)

    def _is_ours(self) -> bool:
        try:
            with self.path.open(encoding="utf-8") as file:
                return file.readline() == self._purpose + "\n"
        except FileNotFoundError:
            return False
