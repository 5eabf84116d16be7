"""Reads `[tool.migrations_policy]` of pyproject.toml into Settings."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from .rules import BY_NAME
from .settings import Settings
from .violation import Severity


class ConfigurationError(ValueError):
    """The configuration says something the policy does not understand."""


SETS = {"hot_tables", "exclude_apps", "cached_models"}
TABLES = {"rules", "apps", "tables"}
RENAMED = {"guarded": "uses_guard"}
PLAIN = {field.name for field in fields(Settings)} - {"app_rules", "table_rules", "rules"}


def find(start: Path) -> Path | None:
    """Return the nearest pyproject.toml at or above `start`."""
    for folder in (start, *start.parents):
        if (folder / "pyproject.toml").exists():
            return folder / "pyproject.toml"
    return None


def load(path: Path | None, over: Mapping[str, Any] | None = None) -> Settings:
    """Return the settings of a file; defaults without one. Raises ConfigurationError.

    `over` holds the same keys and wins: Django's `settings.MIGRATIONS_POLICY`.
    """
    document: dict[str, Any] = {}
    if path is not None:
        try:
            document = tomllib.loads(path.read_text(encoding="utf-8"))
        except tomllib.TOMLDecodeError as error:
            raise ConfigurationError(f"{path}: {error}") from error
    table = document.get("tool", {}).get("migrations_policy", {})
    return from_mapping({**table, **(over or {})})


def from_mapping(given: Mapping[str, Any]) -> Settings:
    """Return settings from the table's values; unknown keys and rules are errors."""
    values: dict[str, Any] = {}
    hot: set[str] = set()
    rows: dict[str, int] = {}
    for key, value in given.items():
        name = RENAMED.get(key, key)
        if key == "rules":
            values["rules"] = _severities(value, "rules")
        elif key == "apps":
            values["app_rules"] = {
                app: _severities(table.get("rules", {}), f"apps.{app}.rules")
                for app, table in value.items()
            }
        elif key == "tables":
            values["table_rules"] = {
                table: _severities(options.get("rules", {}), f"tables.{table}.rules")
                for table, options in value.items()
            }
            hot |= {table for table, options in value.items() if options.get("hot")}
            rows |= {
                table: options["rows"] for table, options in value.items() if "rows" in options
            }
        elif name in SETS:
            values[name] = frozenset(map(str, value))
        elif name == "hooks":
            values[name] = tuple(map(str, value))
        elif name == "fail_level":
            values[name] = Severity.named(value)
        elif name in PLAIN:
            values[name] = value
        else:
            known = ", ".join(sorted(PLAIN | TABLES))
            raise ConfigurationError(f"unknown setting {key!r}; the known ones are: {known}")
    values["hot_tables"] = values.get("hot_tables", frozenset()) | hot
    values["table_rows"] = {**values.get("table_rows", {}), **rows}
    values["cached_models"] = frozenset(
        label.lower() for label in values.get("cached_models", frozenset())
    )
    return Settings(**values)


def _severities(given: Mapping[str, str], where: str) -> dict[str, Severity]:
    found = {}
    for rule, level in given.items():
        if rule not in BY_NAME:
            raise ConfigurationError(f"{where}: no rule is called {rule!r}")
        try:
            found[rule] = Severity.named(level)
        except ValueError as error:
            raise ConfigurationError(f"{where}.{rule}: {error}") from error
    return found
