"""Workflow commands of GitHub Actions: annotations beside the lines of a pull request."""

from __future__ import annotations

from ..linter import Result
from ..violation import Severity, Violation
from .text import summary

COMMANDS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "notice"}


def render(result: Result) -> str:
    """Return one command a line, then the counts."""
    return "\n".join([*map(_command, result.violations), summary(result)]) + "\n"


def _command(found: Violation) -> str:
    body = "\n".join(part for part in (found.message, found.why, found.recipe_text) if part)
    place = (
        f"file={_property(found.source.path)},line={found.source.line},"
        f"endLine={found.source.end_line},title={_property(found.rule)}"
    )
    return f"::{COMMANDS[found.severity]} {place}::{_data(body)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
