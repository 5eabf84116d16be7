"""JUnit XML, for test reports: a case for each finding, failed from warning upwards."""

from __future__ import annotations

from xml.etree.ElementTree import Element, SubElement, indent, tostring

from ..linter import Result
from ..violation import Severity


def render(result: Result) -> str:
    """Return one suite; a clean run has one passing case, so that the report is not empty."""
    failures = [found for found in result.violations if found.severity >= Severity.WARNING]
    suite = Element(
        "testsuite",
        name="migrations_policy",
        tests=str(max(len(result.violations), 1)),
        failures=str(len(failures)),
    )
    if not result.violations:
        SubElement(suite, "testcase", classname="migrations_policy", name="clean")
    for found in result.violations:
        name = f"{found.rule} {found.migration}#{found.operation}"
        case = SubElement(suite, "testcase", classname=found.label, name=name)
        text = _printable("\n\n".join(p for p in (found.why, found.recipe_text) if p))
        tag = "failure" if found.severity >= Severity.WARNING else "system-out"
        child = SubElement(case, tag)
        child.text = text if tag == "failure" else f"{_printable(found.message)}\n\n{text}"
        if tag == "failure":
            child.set("message", _printable(found.message))
            child.set("type", str(found.severity))
    indent(suite)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + tostring(suite, encoding="unicode") + "\n"


def _printable(text: str) -> str:
    """Leave out characters that XML 1.0 (§2.2) cannot hold."""
    return "".join(char for char in text if char in "\t\n\r" or ord(char) >= 0x20)
