"""Suppressions: `# policy: allow <rule> -- <reason>` beside an operation, or above the class.

A suppression without a reason, of an unknown rule, or that suppresses nothing is itself reported.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace

from .facts import Migration, Source
from .violation import Severity, Violation

# rule names, separated by commas, then "--" and the reason
PATTERN = re.compile(r"#\s*policy:\s*allow\s+([a-z0-9-]+(?:\s*,\s*[a-z0-9-]+)*)\s*(?:--\s*(.*))?$")
LOOSE = re.compile(r"#\s*policy:")


@dataclass(frozen=True, slots=True)
class Suppression:
    """One comment: which rules it allows, why, and on which line it stands."""

    rules: tuple[str, ...]
    reason: str
    line: int


def read(text: str) -> tuple[list[Suppression], list[int]]:
    """Return the suppressions of a file's text, and the lines of comments that do not parse."""
    found: list[Suppression] = []
    broken: list[int] = []
    if "policy:" not in text:
        return found, broken
    for number, line in enumerate(text.splitlines(), start=1):
        if not LOOSE.search(line):
            continue
        match = PATTERN.search(line.rstrip())
        if match is None:
            broken.append(number)
            continue
        rules = tuple(rule.strip() for rule in match[1].split(","))
        found.append(Suppression(rules, (match[2] or "").strip(), number))
    return found, broken


def apply(
    migration: Migration, violations: Iterable[Violation], known: Collection[str]
) -> list[Violation]:
    """Return the violations with the suppressed ones marked, and the bad suppressions added."""
    suppressions, broken = read(migration.source.text)
    if not (suppressions or broken):
        return list(violations)
    used: set[tuple[int, str]] = set()
    judged = [_judge(found, migration, suppressions, used) for found in violations]
    judged += [_report(migration, line, "unknown-suppression", BROKEN) for line in broken]
    for item in suppressions:
        judged += _faults(migration, item, known, used)
    return judged


BROKEN = "this comment is no suppression; write `# policy: allow <rule> -- <reason>`"


def _judge(
    violation: Violation,
    migration: Migration,
    suppressions: list[Suppression],
    used: set[tuple[int, str]],
) -> Violation:
    for item in suppressions:
        if violation.rule in item.rules and _covers(item, violation, migration):
            used.add((item.line, violation.rule))
            return replace(violation, suppressed=item.reason) if item.reason else violation
    return violation


def _covers(item: Suppression, violation: Violation, migration: Migration) -> bool:
    """Whether the comment is the operation's (its lines, or the one above) or the file's."""
    first = min((op.source.line for op in migration.operations), default=10**9)
    above_all = item.line < first - 1 or not migration.operations
    if above_all:
        return True
    if violation.operation is None:
        return False
    source = migration.operations[violation.operation].source
    return source.line - 1 <= item.line <= source.end_line


def _faults(
    migration: Migration,
    item: Suppression,
    known: Collection[str],
    used: set[tuple[int, str]],
) -> list[Violation]:
    faults = []
    for rule in item.rules:
        if rule not in known:
            message = f"no rule is called {rule!r}, so nothing is suppressed"
            faults.append(_report(migration, item.line, "unknown-suppression", message))
        elif not item.reason:
            message = f"allowing {rule} needs a reason: `# policy: allow {rule} -- <reason>`"
            faults.append(_report(migration, item.line, "unexplained-suppression", message))
        elif (item.line, rule) not in used:
            message = f"nothing here violates {rule} any more; remove the suppression"
            faults.append(
                _report(migration, item.line, "unused-suppression", message, Severity.WARNING)
            )
    return faults


def _report(
    migration: Migration,
    line: int,
    rule: str,
    message: str,
    severity: Severity = Severity.ERROR,
) -> Violation:
    lines = migration.source.text.splitlines()
    source = Source(migration.source.path, line, line, lines[line - 1] if lines else "")
    return Violation(rule, severity, migration.app_label, migration.name, None, source, message)
