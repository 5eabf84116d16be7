"""The report for people: the operation's line quoted, why, and the recipe."""

from __future__ import annotations

import textwrap

from ..facts import Traced
from ..linter import Result
from ..violation import Severity, Violation

WIDTH = 96


def render(result: Result) -> str:
    """Return the findings in order, then what was assumed, suppressed, and the counts."""
    parts = [_violation(found) for found in result.violations]
    parts += [_trace(trace) for trace in result.traces]
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


def _trace(trace: Traced) -> str:
    lines = [f"trace of {trace.label}, {trace.direction}:"]
    for statement in trace.statements:
        lines.append(f"    | {' '.join(statement.sql.split())[:90]}")
        locks = ", ".join(f"{mode} on {table}" for table, mode in statement.locks)
        work = [f"rewrites {name}" for name in statement.rewritten]
        work += [f"reads {rows:,} rows of {name}" for name, rows in statement.scanned]
        lines.append(f"      locks: {locks or 'none'}; {', '.join(work) or 'catalog only'}")
        lines.append(
            f"      took {statement.seconds * 1000:.0f} ms here, about "
            f"{statement.scaled_seconds:.1f} s on the real table"
        )
        lines += [f"      would wait: {query}" for query in statement.waits]
    if trace.error:
        lines.append(f"    stopped: {trace.error}")
    return "\n".join(lines)


def _sentence(text: str) -> str:
    first = text.split(" ", 1)[0]
    start = text if "_" in first else text[:1].upper() + text[1:]
    return start + ("" if text.endswith((".", "!", "?")) else ".")


def _suppressed(found: Violation) -> str:
    place = f"{found.source.path}:{found.source.line}"
    return f"{place}: allowed [{found.rule}] because {found.suppressed}"
