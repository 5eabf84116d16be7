"""Tests run by a pytest of its own: with other settings, another driver, another Python."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).parents[2]


def environment_without(*names: str) -> dict[str, str]:
    """Ours, less what would tell the other run which settings to take, and less `names`."""
    left_out = {"DJANGO_SETTINGS_MODULE", *names}
    return {name: value for name, value in os.environ.items() if name not in left_out}


def run_tests(
    *arguments: str, environment: Mapping[str, str], python: str | Path = sys.executable
) -> str:
    """What pytest says of a run that passes. Raises AssertionError for one that does not."""
    done = subprocess.run(
        [python, "-m", "pytest", *arguments, "-q", "-p", "no:cacheprovider"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
    return done.stdout
