"""The table of docs/conformance.md: who passes what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tests.conformance.catalogue import CHAPTERS
from tests.conformance.play import Result

_SIGNS = {"pass": "✓", "fail": "✗", "setup": "·"}

_INTRODUCTION = """# Conformance

Made by `python -m tests.conformance --proxy twopass nginx varnish --write docs/conformance.md`; do
not edit. Every scenario is data under
`tests/conformance/scenarios/` and is played over sockets through a proxy whose origin is the
runner's own. *required* is a MUST a shared cache can show; *optional* is what a good cache does
and may leave; *check* is only worth knowing: there both answers are allowed.

✓ as described, ✗ not, · the scenario could not show it (say, because nothing was stored).
nginx runs with `proxy_cache` (revalidation, lock, background update), Varnish with its built-in VCL
and no lifetime or grace of its own: both can be programmed to do more.

"""


def document(results: Mapping[str, Sequence[Result]], versions: Mapping[str, str]) -> str:
    """The whole page; `results` by the proxy's name, each in the order of the catalogue."""
    verdicts = {
        name: {result.scenario.id: result.verdict for result in found}
        for name, found in results.items()
    }
    parts = [_INTRODUCTION, _summary(results, versions)]
    for chapter, scenarios in CHAPTERS.items():
        parts.append(f"\n## {chapter}\n\n")
        parts.append(f"| | kind | RFC | what | {' | '.join(verdicts)} |\n")
        parts.append(f"|---|---|---|---|{'---|' * len(verdicts)}\n")
        for scenario in scenarios:
            signs = [_SIGNS[found[scenario.id]] for found in verdicts.values()]
            cells = [f"`{scenario.id}`", scenario.kind, scenario.section, scenario.title, *signs]
            parts.append(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |\n")
    return "".join(parts)


def _summary(results: Mapping[str, Sequence[Result]], versions: Mapping[str, str]) -> str:
    rows = ["| | " + " | ".join(versions.get(name, name) for name in results) + " |\n"]
    rows.append("|---|" + "---|" * len(results) + "\n")
    for kind in ("required", "optional", "check"):
        cells = []
        for found in results.values():
            of_kind = [result for result in found if result.scenario.kind == kind]
            passed = sum(result.verdict == "pass" for result in of_kind)
            failed = sum(result.verdict == "fail" for result in of_kind)
            cells.append(f"{passed} ✓ {failed} ✗ of {len(of_kind)}")
        rows.append(f"| {kind} | " + " | ".join(cells) + " |\n")
    return "".join(rows)
