"""Breaks, one at a time, what the tests guard, and sees to it that tests go red for each.

    make sabotage                       # all of tests/sabotage/breaks.toml
    make sabotage ARGS="--only epoch"   # those whose id contains "epoch"

Each break is made in a copy of the tree; the checkout is never touched. Exit code 0: every break
was noticed; 1: some were not (a guard without a test); 2: the list is out of step with the code.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LIST = Path(__file__).with_name("breaks.toml")
TIMEOUT = 600


class OutOfStep(Exception):
    """A break that no longer fits the code; the message says which."""


@dataclass(frozen=True)
class Sabotage:
    """In `file`, `find` (which stands there once) becomes `replace`; some of `tests` must fail."""

    id: str
    what: str
    file: str
    find: str
    replace: str
    tests: tuple[str, ...]

    def check(self, root: Path = ROOT) -> None:
        """Raises OutOfStep unless `find` stands exactly once in `file` and the tests exist."""
        path = root / self.file
        count = path.read_text(encoding="utf-8").count(self.find) if path.exists() else 0
        if count != 1:
            raise OutOfStep(f"{self.id}: the text to replace stands {count} times in {self.file}")
        for test in self.tests:
            if not (root / test.partition("::")[0]).exists():
                raise OutOfStep(f"{self.id}: no test {test}")

    def is_noticed(self, tree: Path) -> tuple[bool, str]:
        """Break `tree`, run the tests, mend it; whether they failed, and what they said."""
        path = tree / self.file
        original = path.read_text(encoding="utf-8")
        path.write_text(original.replace(self.find, self.replace), encoding="utf-8")
        try:
            return _fails(tree, self.tests)
        finally:
            path.write_text(original, encoding="utf-8")


def read(path: Path = LIST) -> list[Sabotage]:
    """The list. Raises OutOfStep for two of one id."""
    rows = tomllib.loads(path.read_text(encoding="utf-8"))["break"]
    found = [Sabotage(**{**row, "tests": tuple(row["tests"])}) for row in rows]
    ids = [item.id for item in found]
    if len(set(ids)) != len(ids):
        raise OutOfStep("two breaks have the same id")
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry point; the exit code."""
    options = _parser().parse_args(arguments)
    try:
        chosen = [item for item in read() if options.only in item.id]
        for item in chosen:
            item.check()
    except OutOfStep as error:
        print(f"sabotage: {error}", file=sys.stderr)
        return 2
    if not chosen:
        print(f"sabotage: no id contains {options.only!r}", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory(prefix="twopass-sabotage-") as folder:
        tree = _copy(Path(folder) / "tree")
        unnoticed = [item for n, item in enumerate(chosen, 1) if not _try(item, tree, n, chosen)]
    print(f"{len(chosen) - len(unnoticed)} of {len(chosen)} breaks were noticed")
    for item in unnoticed:
        print(f"  NOT NOTICED: {item.id}: {item.what}")
    return 1 if unnoticed else 0


def _try(item: Sabotage, tree: Path, number: int, chosen: list[Sabotage]) -> bool:
    started = time.monotonic()
    noticed, said = item.is_noticed(tree)
    verdict = "noticed" if noticed else "NOT NOTICED"
    took = time.monotonic() - started
    print(
        f"[{number}/{len(chosen)}] {verdict:11} {item.id}: {item.what} ({took:.0f} s)", flush=True
    )
    if not noticed:
        print(said)
    return noticed


def _fails(tree: Path, tests: Sequence[str]) -> tuple[bool, str]:
    """Each suite in a process of its own; exit code 1 of pytest is a failed test."""
    for suite in sorted({test.split("/")[1] for test in tests}):
        mine = [test for test in tests if test.split("/")[1] == suite]
        command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *mine]
        run = subprocess.run(command, cwd=tree, capture_output=True, text=True, timeout=TIMEOUT)
        if run.returncode == 1:
            return True, ""
        if run.returncode != 0:
            return False, f"the tests could not run:\n{(run.stdout + run.stderr)[-3000:]}"
    return False, run.stdout[-1500:]


def _copy(tree: Path) -> Path:
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    ).stdout.decode()
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, tree / name)
    return tree


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", default="", metavar="TEXT", help="ids that contain this")
    return parser
