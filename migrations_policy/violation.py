"""What a rule found: where, what, why, and the recipe."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from .facts import Source
from .recipe import Recipe, render


class Severity(IntEnum):
    """How bad a violation is; `OFF` silences a rule in the configuration."""

    OFF = 0
    INFO = 1
    WARNING = 2
    ERROR = 3

    @classmethod
    def named(cls, name: str) -> Severity:
        """Return the severity called `name`; raises ValueError naming the choices."""
        try:
            return cls[name.upper()]
        except KeyError:
            choices = ", ".join(member.name.lower() for member in cls)
            raise ValueError(f"unknown severity {name!r}; use one of: {choices}") from None

    def __str__(self) -> str:
        return self.name.lower()


@dataclass(frozen=True, slots=True)
class Violation:
    """One finding of one rule. `operation` is the index in the migration, None for all of it."""

    rule: str
    severity: Severity
    app_label: str
    migration: str
    operation: int | None
    source: Source
    message: str
    why: str = ""
    recipe: Recipe = ()
    assumptions: tuple[str, ...] = ()
    table: str | None = None
    statement: str = ""
    suppressed: str | None = None

    @property
    def label(self) -> str:
        """`app.0001_name`."""
        return f"{self.app_label}.{self.migration}"

    @property
    def recipe_text(self) -> str:
        """The recipe as code to paste."""
        return render(self.recipe)

    @property
    def fingerprint(self) -> str:
        """A name for baselines that survives moved lines: rule, migration, operation, subject."""
        place = "-" if self.operation is None else str(self.operation)
        return ":".join((self.rule, self.app_label, self.migration, place, self.table or ""))

    def __repr__(self) -> str:
        return f"<{self.severity} {self.rule} {self.label}#{self.operation}: {self.message}>"
