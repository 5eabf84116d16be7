"""GitLab's Code Quality report: a JSON array in the Code Climate shape."""

from __future__ import annotations

import hashlib
import json

from ..linter import Result
from ..violation import Severity, Violation

SEVERITIES = {Severity.ERROR: "critical", Severity.WARNING: "major", Severity.INFO: "info"}


def render(result: Result) -> str:
    """Return the array; fingerprints are unique and survive moved lines."""
    seen: dict[str, int] = {}
    return json.dumps([_issue(found, seen) for found in result.violations], indent=2) + "\n"


def _issue(found: Violation, seen: dict[str, int]) -> dict[str, object]:
    number = seen[found.fingerprint] = seen.get(found.fingerprint, 0) + 1
    digest = hashlib.sha256(f"{found.fingerprint}:{number}".encode()).hexdigest()
    return {
        "description": found.message,
        "check_name": found.rule,
        "fingerprint": digest,
        "severity": SEVERITIES[found.severity],
        "location": {"path": found.source.path, "lines": {"begin": found.source.line}},
        "content": {"body": "\n\n".join(p for p in (found.why, found.recipe_text) if p)},
    }
