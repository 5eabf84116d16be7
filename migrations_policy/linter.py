"""The linter: every rule over a plan, pure. `lint()` is also the entry for facts in hand."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from . import suppression
from .context import Context, Findings
from .facts import Database, Migration, Plan, Traced
from .rule import Rule
from .rules import ALL, BY_NAME
from .settings import Settings
from .violation import Severity, Violation


@dataclass(frozen=True, slots=True)
class Result:
    """What a run found, in the plan's order. Suppressed and baselined ones are kept apart."""

    violations: tuple[Violation, ...]
    suppressed: tuple[Violation, ...] = ()
    baselined: tuple[Violation, ...] = ()
    migrations: int = 0
    assumptions: tuple[str, ...] = ()
    traces: tuple[Traced, ...] = ()

    def at_least(self, level: Severity) -> tuple[Violation, ...]:
        """Return the violations of this severity or worse."""
        return tuple(found for found in self.violations if found.severity >= level)


def lint(
    plan: Plan,
    database: Database,
    settings: Settings | None = None,
    *,
    baseline: frozenset[str] = frozenset(),
    rules: Sequence[Rule] = ALL,
) -> Result:
    """Judge every migration of the plan by every rule and return what was found."""
    settings = settings or Settings()
    found = [*_plan_violations(plan, database, settings, rules)]
    for migration in plan.migrations:
        if migration.app_label not in settings.exclude_apps:
            found += _migration_violations(migration, plan, database, settings, rules)
    return _sorted_out(found, plan, baseline)


def _sorted_out(found: list[Violation], plan: Plan, baseline: frozenset[str]) -> Result:
    kept, suppressed, baselined = [], [], []
    for violation in found:
        if violation.suppressed:
            suppressed.append(violation)
        elif violation.fingerprint in baseline:
            baselined.append(violation)
        else:
            kept.append(violation)
    assumptions = dict.fromkeys(text for violation in kept for text in violation.assumptions)
    return Result(
        tuple(kept), tuple(suppressed), tuple(baselined), len(plan.migrations), tuple(assumptions)
    )


def _plan_violations(
    plan: Plan, database: Database, settings: Settings, rules: Sequence[Rule]
) -> Iterator[Violation]:
    if not plan.migrations and not (plan.missing or plan.leaves):
        return
    for rule in rules:
        if rule.scope == "plan":
            context = Context(rule, plan, database, settings)
            yield from _weighed(rule.check(context), settings)


def _migration_violations(
    migration: Migration,
    plan: Plan,
    database: Database,
    settings: Settings,
    rules: Sequence[Rule],
) -> list[Violation]:
    found: list[Violation] = []
    findings = Findings(migration.created_tables())
    for rule in rules:
        if rule.scope == "plan":
            continue
        operations = migration.operations if rule.scope == "operation" else (None,)
        for operation in operations:
            context = Context(
                rule, plan, database, settings, migration, operation, _findings=findings
            )
            if violations := list(rule.check(context)):
                found += _weighed(violations, settings)
    found.sort(key=lambda violation: (violation.source.line, violation.rule))
    return suppression.apply(migration, found, known=BY_NAME)


def _weighed(violations: Iterable[Violation], settings: Settings) -> Iterator[Violation]:
    """Give each violation the severity configured for its app and table."""
    for violation in violations:
        severity = settings.severity(
            violation.rule, violation.severity, violation.app_label, violation.table
        )
        if severity is not Severity.OFF:
            is_same = severity is violation.severity
            yield violation if is_same else replace(violation, severity=severity)
