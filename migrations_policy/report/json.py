"""The report for programs: one JSON document."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from ..linter import Result
from ..violation import Violation

VERSION = 1


def render(result: Result) -> str:
    """Return the result as JSON; `version` names the shape."""
    document = {
        "version": VERSION,
        "migrations": result.migrations,
        "violations": [as_dict(found) for found in result.violations],
        "suppressed": [as_dict(found) for found in result.suppressed],
        "baselined": len(result.baselined),
        "assumptions": list(result.assumptions),
        "traces": [asdict(trace) for trace in result.traces],
    }
    return json.dumps(document, indent=2) + "\n"


def as_dict(found: Violation) -> dict[str, Any]:
    """Return one violation as plain values."""
    return {
        "rule": found.rule,
        "severity": str(found.severity),
        "app": found.app_label,
        "migration": found.migration,
        "operation": found.operation,
        "path": found.source.path,
        "line": found.source.line,
        "end_line": found.source.end_line,
        "message": found.message,
        "why": found.why,
        "recipe": found.recipe_text,
        "table": found.table,
        "statement": found.statement,
        "assumptions": list(found.assumptions),
        "fingerprint": found.fingerprint,
        "suppressed": found.suppressed,
    }
