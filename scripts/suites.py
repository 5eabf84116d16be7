"""Runs every suite below tests/ in a pytest process of its own and adds up what they say.

A suite is a folder of tests/ that holds ``test_*.py``. Suites need processes of their own
because several configure Django, each in its way. Two run at a time, the longest first, so that
no core waits for one straggler. The run fails when a test fails, when a suite finds no
test, and when nothing ran at all: a green run has proved something.
"""

import argparse
import os
import signal
import subprocess
import sys
import threading
import time
import xml.etree.ElementTree as ElementTree
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LONGEST = ("end_to_end", "migrations_policy", "dbrouting", "conformance", "origin", "project")
"""They start first, in this order; the others follow by name."""
LOG_LINES = 400
HEARTBEAT = 30.0
TIME_LIMIT = {False: 2400.0, True: 3600.0}  # seconds a suite may take, without and with --full
NO_TESTS_COLLECTED = 5  # pytest's exit code

EXAMPLES = """\
examples:
  scripts/test                          every suite, without the long tests
  scripts/test --suite edge             one suite (may be given several times)
  scripts/test --suite edge -- -k purge options after -- go to pytest
  scripts/test --full                   the long tests too
"""


@dataclass(frozen=True)
class Options:
    """How to run the suites."""

    tests: Path
    reports: Path
    jobs: int
    full: bool
    pytest_arguments: tuple[str, ...]

    @property
    def may_be_empty(self) -> bool:
        """Whether a suite may run nothing: only where the caller chose tests by hand."""
        return bool(self.pytest_arguments)


@dataclass(frozen=True)
class Result:
    """What one suite reported."""

    name: str
    passed: int
    failed: int
    skipped: int
    seconds: float
    problem: str = ""

    @property
    def is_good(self) -> bool:
        """Whether nothing failed and the suite itself ended as it should."""
        return not self.failed and not self.problem

    def __str__(self) -> str:
        sign = "✓" if self.is_good else "✗"
        counts = f"{self.passed:5} passed {self.failed:4} failed {self.skipped:4} skipped"
        return f"{sign} {self.name:<20}{counts} {self.seconds:6.1f} s  {self.problem}".rstrip()


class Console:
    """Prints whole lines from several threads and says now and then what is still running."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: dict[str, float] = {}
        self._ended = threading.Event()

    def say(self, text: str) -> None:
        with self._lock:
            print(text, flush=True)

    def started(self, name: str) -> None:
        self.say(f"▶ {name}")
        self._running[name] = time.monotonic()

    def finished(self, result: Result, log: Path) -> None:
        self._running.pop(result.name, None)
        if not result.is_good:
            self.say(failure_report(result, log))
        self.say(str(result))

    def heartbeat(self) -> None:
        """Runs in a thread of its own until ``end``."""
        while not self._ended.wait(HEARTBEAT):
            now = time.monotonic()
            running = [f"{name} ({now - since:.0f} s)" for name, since in self._running.items()]
            if running:
                self.say(f"… still running: {', '.join(running)}")

    def end(self) -> None:
        self._ended.set()


def failure_report(result: Result, log: Path) -> str:
    """The suite's own output, where it failed."""
    lines = log.read_text(errors="replace").splitlines() if log.exists() else []
    header = f"──── {result.name}: {result.problem or 'failed'} (whole output: {log}) "
    return "\n".join([header.ljust(100, "─"), *lines[-LOG_LINES:], "─" * 100])


def find_suites(tests: Path) -> list[str]:
    """The names of all folders of ``tests`` that hold tests, in order."""
    folders = (path for path in tests.iterdir() if path.is_dir())
    return sorted(path.name for path in folders if any(path.rglob("test_*.py")))


def run_suite(name: str, options: Options, stop: threading.Event) -> Result:
    """Runs one suite to its end and reads its report."""
    log = options.reports / f"{name}.log"
    report = options.reports / f"{name}.xml"
    report.unlink(missing_ok=True)
    command = [
        *(sys.executable, "-m", "pytest", str(options.tests / name)),
        *("--quiet", f"--junitxml={report}", "-o", f"cache_dir={options.reports / 'cache' / name}"),
        *(() if options.full else ("-m", "not full")),
        *options.pytest_arguments,
    ]
    started = time.monotonic()
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            stdout=output,
            stderr=output,
            env=clean_environment(os.environ),
            cwd=options.tests.parent,
            start_new_session=True,
        )
        problem = wait_for(process, started + TIME_LIMIT[options.full], stop)
    seconds = time.monotonic() - started
    passed, failed, skipped = read_counts(report)
    if not problem and process.returncode == NO_TESTS_COLLECTED:
        problem = "" if options.may_be_empty else "found no test to run"
    elif not problem and process.returncode and not failed:
        problem = f"pytest ended with code {process.returncode}"
    return Result(name, passed, failed, skipped, seconds, problem)


def wait_for(process: "subprocess.Popen[bytes]", deadline: float, stop: threading.Event) -> str:
    """Waits for a suite; ends its whole process group when it takes too long or on ``stop``."""
    while True:
        try:
            process.wait(0.2)
            return ""
        except subprocess.TimeoutExpired:
            late = time.monotonic() > deadline
            if not late and not stop.is_set():
                continue
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        return "took too long and was ended" if late else "was interrupted"


def clean_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """The caller's environment without what would change the product under test."""
    unwanted = ("TWOPASS_", "DJANGO_", "PYTEST_")
    return {name: value for name, value in environment.items() if not name.startswith(unwanted)}


def read_counts(report: Path) -> tuple[int, int, int]:
    """Passed, failed (with errors) and skipped tests of a JUnit report; zeros without one."""
    try:
        suites = ElementTree.parse(report).getroot().iter("testsuite")
    except (OSError, ElementTree.ParseError):
        return 0, 0, 0
    total = failed = skipped = 0
    for suite in suites:
        total += int(suite.get("tests", 0))
        failed += int(suite.get("failures", 0)) + int(suite.get("errors", 0))
        skipped += int(suite.get("skipped", 0))
    # An error while tearing down counts beside the test that passed.
    return max(0, total - failed - skipped), failed, skipped


def run_suites(names: Sequence[str], options: Options, console: Console) -> list[Result]:
    """Runs the suites, ``options.jobs`` at a time and the one that wants it alone last."""
    stop = threading.Event()

    def run(name: str) -> Result:
        if stop.is_set():
            return Result(name, 0, 0, 0, 0.0, "was not started")
        console.started(name)
        result = run_suite(name, options, stop)
        console.finished(result, options.reports / f"{name}.log")
        return result

    with ThreadPoolExecutor(options.jobs) as pool:
        futures = [pool.submit(run, name) for name in in_order(names)]
        try:
            return [future.result() for future in futures]
        except KeyboardInterrupt:
            stop.set()
            console.say("interrupted: ending the suites …")
            return [future.result() for future in futures]


def in_order(names: Sequence[str]) -> list[str]:
    """The longest first, then by name."""
    rank = {name: position for position, name in enumerate(LONGEST)}
    return sorted(names, key=lambda name: (rank.get(name, len(rank)), name))


def summary(results: Sequence[Result], seconds: float) -> str:
    """A line for each suite, and the closing line that tools read."""
    passed = sum(result.passed for result in results)
    # A suite that broke without a failing test counts as one failure.
    failed = sum(result.failed or (not result.is_good) for result in results)
    skipped = sum(result.skipped for result in results)
    lines = [str(result) for result in sorted(results, key=lambda result: result.name)]
    closing = f"{passed} passed, {failed} failed, {skipped} skipped"
    return "\n".join(["", *lines, f"  all suites in {seconds:.0f} s", "", closing])


def build_parser() -> argparse.ArgumentParser:
    """The options of ``scripts/test``."""
    parser = argparse.ArgumentParser(
        prog="scripts/test",
        description=__doc__,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--suite", action="append", metavar="NAME", help="only this suite")
    parser.add_argument("--full", action="store_true", help="the tests marked `full` too")
    parser.add_argument("--jobs", type=int, default=2, help="suites at a time (default: 2)")
    parser.add_argument("--tests", type=Path, default=ROOT / "tests", help=argparse.SUPPRESS)
    parser.add_argument("--reports", type=Path, default=ROOT / "var/test", help="logs go here")
    parser.add_argument("pytest_arguments", nargs="*", help="options for pytest, after --")
    return parser


def main(arguments: Sequence[str]) -> int:
    """Runs what was asked for; 0 only when tests ran and none failed."""
    parser = build_parser()
    chosen = parser.parse_args(arguments)
    suites = find_suites(chosen.tests)
    if unknown := set(chosen.suite or ()) - set(suites):
        parser.error(
            f"no such suite: {', '.join(sorted(unknown))} (there are: {', '.join(suites)})"
        )
    options = Options(
        tests=chosen.tests.resolve(),
        reports=chosen.reports.resolve(),
        jobs=chosen.jobs,
        full=chosen.full,
        pytest_arguments=tuple(chosen.pytest_arguments),
    )
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # ends the suites as Ctrl-C does
    options.reports.mkdir(parents=True, exist_ok=True)
    console = Console()
    threading.Thread(target=console.heartbeat, daemon=True).start()
    started = time.monotonic()
    results = run_suites(chosen.suite or suites, options, console)
    console.end()
    print(summary(results, time.monotonic() - started), flush=True)
    ran = sum(result.passed + result.failed for result in results)
    return 0 if ran and all(result.is_good for result in results) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
