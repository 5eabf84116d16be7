"""The linter as Django system checks, tagged `migrations`: errors E, warnings W, notes I."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.apps.config import AppConfig
from django.core import checks

from .changed import GitError
from .configuration import ConfigurationError
from .project import lint_project
from .rules import ALL
from .violation import Severity, Violation

KINDS = {
    Severity.ERROR: (checks.Error, "E"),
    Severity.WARNING: (checks.Warning, "W"),
    Severity.INFO: (checks.Info, "I"),
}
# Stable numbers: a rule's row in the reference, and its place among rules of that row.
NUMBERS = {
    rule.name: rule.row * 10 + sum(r.row == rule.row for r in ALL[:i]) for i, rule in enumerate(ALL)
}


def check_migrations(
    app_configs: Sequence[AppConfig] | None = None, **kwargs: Any
) -> list[checks.CheckMessage]:
    """Return the linter's findings as check messages, without asking a database."""
    labels = [config.label for config in app_configs] if app_configs else []
    try:
        result = lint_project(labels)
    except (ConfigurationError, GitError) as error:
        return [checks.Error(str(error), id="migrations_policy.E001")]
    return [_message(found) for found in result.violations]


def _message(found: Violation) -> checks.CheckMessage:
    kind, letter = KINDS[found.severity]
    number = NUMBERS.get(found.rule, 2)
    place = f"{found.source.path}:{found.source.line}"
    hint = found.recipe_text or found.why or None
    return kind(
        f"{found.rule}: {found.message}",
        hint=hint,
        obj=place,
        id=f"migrations_policy.{letter}{number:03}",
    )
