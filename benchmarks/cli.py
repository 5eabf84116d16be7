"""`python -m benchmarks`: run scenarios, make the report."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from . import results
from .runner import run
from .scenario import Unavailable
from .scenarios import SCENARIOS

FOLDER: Final = Path("var/benchmarks")
EXAMPLES: Final = """
examples:
  python -m benchmarks list
  python -m benchmarks run hit
  python -m benchmarks run shop --seconds 10 --rounds 3 --peers django --json shop.json
  python -m benchmarks report            # runs what is missing, writes HTML and docs/benchmarks.md

One server per core, load on another core, rounds interleaved, medians. Read the ratios: they come
from one run on one machine; absolute figures are that machine's.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry point; the exit code: 0 done, 1 a run failed, 2 wrong usage."""
    options = _parser().parse_args(arguments)
    try:
        return int(options.act(options))
    except (RuntimeError, Unavailable) as error:
        print(f"benchmarks: {error}", file=sys.stderr)
        return 1
    except ValueError as error:
        print(f"benchmarks: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


def _list(_options: argparse.Namespace) -> int:
    for name in SCENARIOS:
        scenario = SCENARIOS[name]
        print(f"{name:20} {scenario.what}")
        print(f"{'':20} {', '.join(item.name for item in scenario.contestants)}")
    return 0


def _run(options: argparse.Namespace) -> int:
    if options.scenario not in SCENARIOS:
        raise ValueError(f"no scenario {options.scenario!r}; there are {', '.join(SCENARIOS)}")
    document = _measure(options.scenario, options)
    results.save(document, options.json or FOLDER / f"{options.scenario}.json")
    print(_text(document))
    return 0


def _report(options: argparse.Namespace) -> int:
    from .report import write

    paths = [Path(path) for path in options.results]
    if not paths:
        for name in SCENARIOS:
            path = FOLDER / f"{name}.json"
            if options.fresh or not path.exists():
                results.save(_measure(name, options), path)
            paths.append(path)
    documents = [results.read(path) for path in paths]
    for written in write(documents, options.html, options.markdown):
        print(f"wrote {written}")
    return 0


def _measure(name: str, options: argparse.Namespace) -> dict[str, object]:
    return run(SCENARIOS[name], options.peers, options.seconds, options.rounds).to_json()


def _text(document: dict[str, object]) -> str:
    lines = [f"{document['scenario']}: {document['what']}", ""]
    measured: dict[str, dict[str, dict[str, float]]] = document["results"]  # type: ignore[assignment]
    for name, metrics in measured.items():
        lines.append(name)
        lines += [
            f"  {metric:24} {row['median']:>12,.2f}   ({row['min']:,.2f} to {row['max']:,.2f})"
            for metric, row in metrics.items()
        ]
    ratios: dict[str, dict[str, float]] = document["ratios"]  # type: ignore[assignment]
    for name, metrics_ in ratios.items():
        told = ", ".join(f"{metric} {ratio:.2f} times" for metric, ratio in metrics_.items())
        lines.append(f"{name}: {told}")
    for goal in document["goals"]:  # type: ignore[attr-defined]
        verdict = "met" if goal["met"] else "MISSED"
        lines.append(f"{verdict}: {goal['what']}: {goal['goal']}, measured {goal['measured']:.2f}")
    lines += [f"note: {note}" for note in document["notes"]]  # type: ignore[attr-defined]
    return "\n".join(lines)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Load tests against the real thing and its peers, side by side in one run.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    listing = commands.add_parser("list", help="the scenarios and who takes part")
    listing.set_defaults(act=_list)
    one = commands.add_parser("run", help="measure one scenario")
    one.set_defaults(act=_run)
    one.add_argument("scenario", metavar="SCENARIO")
    one.add_argument("--json", type=Path, metavar="FILE", help="where the result goes")
    report = commands.add_parser("report", help="one page over all scenarios")
    report.set_defaults(act=_report)
    report.add_argument("results", nargs="*", metavar="FILE", help="results to report on")
    report.add_argument("--fresh", action="store_true", help="measure everything anew")
    report.add_argument("--html", type=Path, default=FOLDER / "report.html")
    report.add_argument("--markdown", type=Path, default=Path("docs/benchmarks.md"))
    for command in (one, report):
        command.add_argument("--peers", nargs="*", metavar="NAME", help="only these beside twopass")
        command.add_argument("--seconds", type=_positive, metavar="N", help="of each round")
        command.add_argument("--rounds", type=_count, metavar="N", help="of each contestant")
    return parser


def _positive(text: str) -> float:
    number = float(text)
    if not 0 < number <= 3600:
        raise argparse.ArgumentTypeError("between 0 and 3600 seconds")
    return number


def _count(text: str) -> int:
    number = int(text)
    if not 1 <= number <= 1000:
        raise argparse.ArgumentTypeError("between 1 and 1000")
    return number
