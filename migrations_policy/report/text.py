"""The report for people: the operation's line quoted, why, and the recipe."""

from __future__ import annotations

import textwrap

from ..linter import Result
from ..violation import Severity, Violation

WIDTH = 96


def render(result: Result) -> str:
    """Return the findings in order, then what was assumed, suppressed, and the counts."""
    parts = [_violation(found) for found in result.violations]
    if result.suppressed:
        parts.append("\n".join(_suppressed(found) for found in result.suppressed))
    if result.assumptions:
        listed = "; ".join(result.assumptions)
        note = f"Assumed, because no database was asked: {listed}."
        parts.append(textwrap.fill(note, WIDTH))
    parts.append(summary(result))
    return "\n\n".join(parts) + "\n"


def summary(result: Result) -> str:
    """Return one line of counts."""
    counts = []
    for severity in (Severity.ERROR, Severity.WARNING, Severity.INFO):
        number = sum(found.severity is severity for found in result.violations)
        if number:
            plural = "s" if number > 1 and severity is not Severity.INFO else ""
            counts.append(f"{number} {severity}{plural}")
    found = ", ".join(counts) or "nothing to report"
    aside = []
    if result.suppressed:
        aside.append(f"{len(result.suppressed)} suppressed")
    if result.baselined:
        aside.append(f"{len(result.baselined)} in the baseline")
    tail = f" ({', '.join(aside)})" if aside else ""
    return f"{result.migrations} migrations: {found}{tail}"


def _violation(found: Violation) -> str:
    place = f"{found.source.path}:{found.source.line}"
    lines = [f"{place}: {found.severity} [{found.rule}] {found.label}"]
    quote = found.source.text.rstrip()
    if quote and found.operation is not None:
        shown = textwrap.dedent(quote).splitlines()
        lines += [f"    | {line}" for line in shown[:6]] + (["    | …"] if len(shown) > 6 else [])
    lines.append(textwrap.indent(textwrap.fill(_sentence(found.message), WIDTH), "  "))
    if found.why:
        lines.append(textwrap.indent(textwrap.fill(found.why, WIDTH), "  "))
    if found.recipe:
        lines += ["  Instead:", textwrap.indent(found.recipe_text, "    ")]
    return "\n".join(lines)


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "!", "?")) else ".")


def _suppressed(found: Violation) -> str:
    place = f"{found.source.path}:{found.source.line}"
    return f"{place}: allowed [{found.rule}] because {found.suppressed}"
