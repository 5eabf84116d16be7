"""`python -m benchmarks`: run scenarios, make the report."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from devstack import DevstackError

from . import peers, results
from .processes import ServerFailed
from .runner import run
from .scenario import Unavailable
from .scenarios import SCENARIOS

FOLDER: Final = Path("var/benchmarks")
FAILURES: Final = (RuntimeError, Unavailable, ServerFailed, DevstackError, OSError)
"""What a run may end with that is not a fault of this program."""
ONLY_WHEN_ASKED: Final = ("soak",)
"""Scenarios so long that a report measures them only with an option of their name."""
EXAMPLES: Final = """
examples:
  python -m benchmarks list                          # scenarios, and who takes part
  python -m benchmarks run hit
  python -m benchmarks run hit --peers nginx varnish # only these beside twopass
  python -m benchmarks run hit --peers               # twopass alone
  python -m benchmarks run visitors --seconds 60
  python -m benchmarks run shop --rounds 5 --json shop.json
  python -m benchmarks run soak --seconds 600        # half an hour without --seconds
  python -m benchmarks report                        # measures what has no result yet, writes pages
  python -m benchmarks report --fresh --soak         # measures everything anew, soak too
  python -m benchmarks report shop.json              # a page over this result alone
  python -m benchmarks peers --install               # nginx, Varnish, wrk by apt (as root)

Servers on one core, load on another, rounds interleaved, medians. Read the ratios: they come from
one run on one machine; absolute figures are that machine's. docs/benchmarks.md describes the JSON.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry point; the exit code: 0 done, 1 a run failed, 2 wrong usage."""
    options = _parser().parse_args(arguments)
    try:
        return int(options.act(options))
    except FAILURES as error:
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
    failed: list[str] = []
    if not paths:
        _get_peers()
        paths, failed = _measured(options)
    documents = [results.read(path) for path in paths]
    for written in write(documents, options.html, options.markdown):
        print(f"wrote {written}")
    if failed:
        raise RuntimeError(f"no result of {', '.join(failed)}; the rest is reported")
    return 0


def _measured(options: argparse.Namespace) -> tuple[list[Path], list[str]]:
    """Results of all scenarios, measured where there are none; and those that failed.

    One that fails costs its own place: half an hour of others is not thrown away.
    """
    found, failed = [], []
    for at, name in enumerate(SCENARIOS, 1):
        path = FOLDER / f"{name}.json"
        if (options.fresh or not path.exists()) and _is_wanted(name, options):
            say(f"== {name} ({at} of {len(SCENARIOS)} scenarios)")
            try:
                results.save(_measure(name, options, only_known=True), path)
            except (*FAILURES, ImportError) as error:
                say(f"{name} failed: {error}")
                failed.append(name)
                continue
        elif path.exists():
            say(f"== {name}: kept from {path} (--fresh measures it anew)")
        if path.exists():
            found.append(path)
    return found, failed


def _is_wanted(name: str, options: argparse.Namespace) -> bool:
    return name not in ONLY_WHEN_ASKED or bool(getattr(options, name))


def _get_peers() -> None:
    """As root get what is missing; else say so and go on without."""
    programs = peers.missing()
    if not programs:
        return
    say(f"missing: {', '.join(programs)}")
    try:
        peers.install(programs)
    except RuntimeError as error:
        say(str(error))


def _peers(options: argparse.Namespace) -> int:
    programs = peers.missing()
    if options.install and programs:
        peers.install(programs)
        programs = peers.missing()
    if programs:
        print(f"missing: {', '.join(programs)} ({peers.advice(programs)})")
        return 1
    print(f"all there: {', '.join(peers.PACKAGES)}")
    return 0


def say(text: str) -> None:
    """Progress, apart from what is printed as the result."""
    print(text, file=sys.stderr, flush=True)


def _measure(
    name: str, options: argparse.Namespace, *, only_known: bool = False
) -> dict[str, object]:
    scenario, chosen = SCENARIOS[name], options.peers
    if only_known and chosen is not None:  # of several scenarios no two have the same peers
        chosen = [item.name for item in scenario.contestants if item.name in chosen]
    return run(scenario, chosen, options.seconds, options.rounds, say).to_json()


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
    report.add_argument("--soak", action="store_true", help="measure soak, too: half an hour more")
    report.add_argument("--html", type=Path, default=FOLDER / "report.html")
    report.add_argument("--markdown", type=Path, default=Path("docs/benchmarks.md"))
    getting = commands.add_parser("peers", help="are nginx, Varnish and wrk there?")
    getting.set_defaults(act=_peers)
    getting.add_argument("--install", action="store_true", help="get them by apt, as root")
    for command in (one, report):
        command.add_argument(
            "--peers",
            nargs="*",
            metavar="NAME",
            help="only these beside twopass; without a name twopass alone",
        )
        command.add_argument(
            "--seconds", type=_positive, metavar="N", help="of each round; else the scenario's own"
        )
        command.add_argument(
            "--rounds", type=_count, metavar="N", help="of each contestant; else the scenario's own"
        )
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
