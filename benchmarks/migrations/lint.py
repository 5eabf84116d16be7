"""The scenario `lint`: 1,000 migrations, judged by all rules, no database."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..results import Goal, Measurement
from ..scenario import Contestant, Scenario, Target
from .history import write_project

COUNT = 1000
ROOT = Path(__file__).resolve().parents[2]


@contextmanager
def project() -> Iterator[Target]:
    """A project with a long history; gives its folder, where others give a URL."""
    with tempfile.TemporaryDirectory(prefix="policy-history-") as folder:
        write_project(Path(folder), COUNT)
        yield folder


def measure(target: Target, seconds: float) -> Measurement:
    """Lint once in a new process; `seconds` does not matter, a run ends by itself."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.migrations.once"],
        cwd=target,
        # As on any machine: the first run, `check`, leaves the migrations' bytecode behind.
        env=os.environ | {"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": ""},
        capture_output=True,
        text=True,
        check=True,
    )
    figures: dict[str, float] = json.loads(done.stdout)
    return figures


def check(name: str, target: Target) -> None:
    """Raise RuntimeError unless all migrations were judged and sins were found."""
    figures = measure(target, 0)
    if figures["migrations"] != COUNT or not figures["violations"]:
        raise RuntimeError(f"{name} judged {figures['migrations']:.0f} of {COUNT} migrations")


def scenario() -> Scenario:
    """Return the scenario for the registry."""
    return Scenario(
        "lint",
        f"lint of {COUNT} migrations by all rules, without database and trace",
        (Contestant("twopass", "migrations_policy, in a new process", project),),
        measure,
        check,
        (Goal("1,000 migrations in 2 s", "twopass", "seconds", at_most=2.0),),
        rounds=3,
    )
