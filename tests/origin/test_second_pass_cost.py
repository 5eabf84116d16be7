"""What a second pass costs: one session, one user, and a table of where the time goes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_profile_names_every_step_and_finds_two_queries() -> None:
    run = subprocess.run(
        [sys.executable, "-m", "benchmarks.second_pass_profile", "--rounds", "3"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert run.returncode == 0, run.stderr
    rows = [line for line in run.stdout.splitlines() if line.startswith("| ")]
    steps = [row.split("|")[1].strip() for row in rows]
    documented = (ROOT / "docs" / "origin.md").read_text()

    assert len(steps) == 12
    assert [step for step in steps if f"| {step} |" not in documented] == []
    assert "2 queries:" in run.stdout
    assert 'FROM "django_session"' in run.stdout
    assert 'FROM "auth_user"' in run.stdout
