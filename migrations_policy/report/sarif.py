"""SARIF 2.1.0 (OASIS), for code scanning."""

from __future__ import annotations

import json
from typing import Any

from ..linter import Result
from ..rules import BY_NAME
from ..violation import Severity, Violation

LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "note"}
SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def render(result: Result) -> str:
    """Return one run; suppressed findings are there with their justification (§3.27.23)."""
    findings = [*result.violations, *result.suppressed]
    used = sorted({found.rule for found in findings})
    driver = {
        "name": "migrations_policy",
        "informationUri": "https://github.com/twopass/twopass",
        "rules": [_rule(name) for name in used],
    }
    document = {
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [
            {"tool": {"driver": driver}, "results": [_result(found, used) for found in findings]}
        ],
    }
    return json.dumps(document, indent=2) + "\n"


def _rule(name: str) -> dict[str, Any]:
    rule = BY_NAME.get(name)
    text = rule.title if rule else name
    described: dict[str, Any] = {"id": name, "shortDescription": {"text": text}}
    if rule:
        described["fullDescription"] = {"text": rule.why}
        described["defaultConfiguration"] = {"level": LEVELS[rule.severity]}
    return described


def _result(found: Violation, used: list[str]) -> dict[str, Any]:
    parts = [found.message, found.why, found.recipe_text]
    result: dict[str, Any] = {
        "ruleId": found.rule,
        "ruleIndex": used.index(found.rule),
        "level": LEVELS[found.severity],
        "message": {"text": "\n\n".join(part for part in parts if part)},
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": {"uri": found.source.path},
                    "region": {
                        "startLine": found.source.line,
                        "endLine": found.source.end_line,
                    },
                }
            }
        ],
        "partialFingerprints": {"migrationsPolicy/v1": found.fingerprint},
    }
    if found.suppressed:
        result["suppressions"] = [{"kind": "inSource", "justification": found.suppressed}]
    return result
