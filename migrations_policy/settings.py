"""The linter's settings as a value; `configuration` reads them from pyproject.toml."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from .violation import Severity


@dataclass(frozen=True, slots=True)
class Settings:
    """What a team may choose. Everything has a default that fits a shop of some size.

    `rules` maps rule names to severities for all; `app_rules` and `table_rules` do so for one
    app label or table and win over it.
    """

    rules: Mapping[str, Severity] = field(default_factory=dict)
    app_rules: Mapping[str, Mapping[str, Severity]] = field(default_factory=dict)
    table_rules: Mapping[str, Mapping[str, Severity]] = field(default_factory=dict)
    hot_tables: frozenset[str] = frozenset()
    exclude_apps: frozenset[str] = frozenset()
    target_version: int = 14
    assumed_rows: int = 1_000_000
    table_rows: Mapping[str, int] = field(default_factory=dict)
    small_table_rows: int = 10_000
    fail_level: Severity = Severity.ERROR
    baseline: str | None = None
    time_budget: float = 5.0
    lock_timeout_ms: int = 0
    statement_timeout_ms: int = 0
    uses_guard: bool = False
    cached_models: frozenset[str] = frozenset()
    schema_version_hook: str | None = None
    hooks: tuple[str, ...] = ()
    separate_data_and_schema: bool = True
    linear_history: bool = True
    reversible: bool = True
    checksums: str | None = None

    def severity(self, rule: str, default: Severity, app_label: str, table: str | None) -> Severity:
        """Return the severity a rule has for this app and table; the narrowest setting wins."""
        if table and rule in self.table_rules.get(table, {}):
            return self.table_rules[table][rule]
        if rule in self.app_rules.get(app_label, {}):
            return self.app_rules[app_label][rule]
        return self.rules.get(rule, default)
