"""Facts about model fields and models of the historical state."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal


@dataclass(frozen=True, slots=True)
class FieldSource:
    """A field as Python source: `models.CharField`, its arguments already serialised."""

    path: str
    args: tuple[str, ...] = ()
    kwargs: tuple[tuple[str, str], ...] = ()

    def with_options(self, **changes: str | None) -> FieldSource:
        """Return the field with options set to source text, or left out where None."""
        kept = [(key, value) for key, value in self.kwargs if key not in changes]
        added = [(key, value) for key, value in changes.items() if value is not None]
        return replace(self, kwargs=tuple(kept + added))

    def option(self, name: str) -> str | None:
        """Return the source text of one option, or None."""
        return dict(self.kwargs).get(name)

    def __str__(self) -> str:
        parts = [*self.args, *(f"{key}={value}" for key, value in self.kwargs)]
        return f"{self.path}({', '.join(parts)})"


@dataclass(frozen=True, slots=True)
class FieldFacts:
    """What a field means for the table; `db_default` is source text, types are PostgreSQL's."""

    name: str
    column: str | None
    db_type: str | None
    internal_type: str
    source: FieldSource
    null: bool = False
    default: Literal["none", "constant", "callable"] = "none"
    has_db_default: bool = False
    unique: bool = False
    primary_key: bool = False
    indexed: bool = False
    references: str | None = None
    db_constraint: bool = True
    generated: Literal["stored", "virtual"] | None = None
    many_to_many: bool = False
    through: str | None = None


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """A model of the historical state, with the fields the rules may ask for."""

    app_label: str
    name: str
    table: str
    fields: tuple[FieldFacts, ...] = ()
    managed: bool = True

    def field(self, name: str) -> FieldFacts | None:
        """Return the field called `name`, or None."""
        return next((field for field in self.fields if field.name == name), None)

    def column(self, column: str) -> FieldFacts | None:
        """Return the field stored in `column`, or None."""
        return next((field for field in self.fields if field.column == column), None)
