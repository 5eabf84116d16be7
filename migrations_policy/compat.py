"""Old code meets new schema: what release N-1 needs that release N's migrations take away. Pure.

A release is recorded as a snapshot of its models: tables with their columns. `compare` judges a
snapshot against the columns of the migrated database.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass

from .facts import ColumnFacts


@dataclass(frozen=True, slots=True)
class OldColumn:
    """A column as the old release's models have it."""

    name: str
    nullable: bool
    has_db_default: bool = False
    type: str = ""


@dataclass(frozen=True, slots=True)
class OldModel:
    """A model of the old release; `fields` maps attribute names to columns."""

    label: str
    table: str
    columns: tuple[OldColumn, ...]

    @property
    def names(self) -> frozenset[str]:
        """The columns its SELECT and INSERT name."""
        return frozenset(column.name for column in self.columns)


@dataclass(frozen=True, slots=True)
class Break:
    """One thing that stops working: `kind` is select, insert, null or cache."""

    label: str
    table: str
    kind: str
    column: str | None
    message: str


def compare(
    models: tuple[OldModel, ...], tables: Mapping[str, Mapping[str, ColumnFacts]]
) -> list[Break]:
    """Return what the old models meet in the new tables that they cannot live with."""
    found: list[Break] = []
    for model in models:
        columns = tables.get(model.table)
        if columns is None:
            message = f"{model.label}: the table {model.table} is gone; every query of it fails"
            found.append(Break(model.label, model.table, "select", None, message))
            continue
        found += _missing(model, columns)
        found += _required(model, columns)
        found += _nullable(model, columns)
    return found


def _missing(model: OldModel, columns: Mapping[str, ColumnFacts]) -> list[Break]:
    return [
        Break(
            model.label,
            model.table,
            "select",
            name,
            f"{model.label}: {model.table}.{name} is gone or renamed; SELECT and INSERT fail",
        )
        for name in sorted(model.names - columns.keys())
    ]


def _required(model: OldModel, columns: Mapping[str, ColumnFacts]) -> list[Break]:
    """Columns the old INSERT does not name, or may name with NULL, but must fill now."""
    found = []
    old = {column.name: column for column in model.columns}
    for name, column in sorted(columns.items()):
        if column.nullable:
            continue
        if name not in old and not column.has_default:
            message = f"{model.label}: INSERT leaves out {model.table}.{name}, which is NOT NULL"
            found.append(Break(model.label, model.table, "insert", name, message))
        elif name in old and old[name].nullable:
            message = (
                f"{model.label}: {model.table}.{name} is NOT NULL now, and the old release may "
                "write NULL"
            )
            found.append(Break(model.label, model.table, "null", name, message))
    return found


def _nullable(model: OldModel, columns: Mapping[str, ColumnFacts]) -> list[Break]:
    return [
        Break(
            model.label,
            model.table,
            "null",
            old.name,
            f"{model.label}: {model.table}.{old.name} may be NULL now; the old release reads None",
        )
        for old in model.columns
        if not old.nullable and old.name in columns and columns[old.name].nullable
    ]


def cached_shapes(
    old: tuple[OldModel, ...], new: tuple[OldModel, ...], cached: frozenset[str]
) -> list[Break]:
    """Return cached models whose shape differs: rows and fragments of one release misfit the other.

    `cached` holds labels in lower case.
    """
    after = {model.label.lower(): model for model in new}
    found = []
    for model in old:
        label = model.label.lower()
        if label not in cached:
            continue
        other = after.get(label)
        if other is None or other.names != model.names:
            changed = sorted(model.names ^ (other.names if other else frozenset()))
            message = (
                f"{model.label} is cached and changes shape ({', '.join(changed)}): put a schema "
                "version into its cache keys, or release its groups in this phase"
            )
            found.append(Break(model.label, model.table, "cache", None, message))
    return found


def dumps(models: tuple[OldModel, ...], migrations: frozenset[tuple[str, str]]) -> str:
    """Return a snapshot as JSON, for recording with a release."""
    document = {
        "version": 1,
        "models": [asdict(model) for model in models],
        "migrations": sorted(map(list, migrations)),
    }
    return json.dumps(document, indent=1, sort_keys=True) + "\n"


def loads(text: str) -> tuple[tuple[OldModel, ...], frozenset[tuple[str, str]]]:
    """Read a snapshot: models and migrations. Raises ValueError when it is none."""
    try:
        document = json.loads(text)
        models = tuple(
            OldModel(
                model["label"],
                model["table"],
                tuple(OldColumn(**column) for column in model["columns"]),
            )
            for model in document["models"]
        )
        return models, frozenset((app, name) for app, name in document["migrations"])
    except (KeyError, TypeError, ValueError, json.JSONDecodeError) as error:
        raise ValueError(f"this is no recorded model state: {error}") from error
