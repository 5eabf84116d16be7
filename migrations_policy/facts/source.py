"""Where something stands in a migration file."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Source:
    """Lines `line` to `end_line` (from 1) of the file `path`, and their text."""

    path: str
    line: int = 1
    end_line: int = 1
    text: str = ""

    @property
    def first_line(self) -> str:
        """The first line of the text, stripped, for quoting."""
        return self.text.splitlines()[0].strip() if self.text else ""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something seen in the Python source of a migration (see `python_source`).

    `kind` is one of direct-import, unknown-model, uses-model, argument-names, iterator,
    unbatched-write, batched-write, built-sql; `subject` names it (the import, model or call).
    """

    kind: str
    line: int
    subject: str
    function: str | None = None
