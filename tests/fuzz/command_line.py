"""The command line that all fuzzers have."""

from __future__ import annotations

import argparse
from collections.abc import Callable


def fuzz(name: str, what: str, run: Callable[[float, int], int]) -> None:
    """Call `run(seconds, seed)` as the command line says, and tell what it found."""
    arguments = argparse.ArgumentParser(description=what.splitlines()[0])
    arguments.add_argument("--seconds", type=float, default=60.0)
    arguments.add_argument("--seed", type=int, default=1)
    given = arguments.parse_args()
    print(f"{name}: {run(given.seconds, given.seed)} documents, nothing found")
