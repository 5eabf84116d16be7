"""Rules, recipes, operations and histories on every PostgreSQL that can be had besides the first.

The suite itself runs on the one that devstack finds first (Debian's 15).
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import devstack
from devstack.postgresql.programs import find_postgres

ROOT = Path(__file__).resolve().parents[2]
LIVE = ("rules_live", "locks", "corpus", "operations", "make_safe", "trace")
VERSIONS = (14, 16, 17, 18)

pytestmark = [pytest.mark.full, pytest.mark.timeout(1500)]


@pytest.mark.parametrize("version", VERSIONS)
def test_all_that_runs_on_a_server_runs_on_this_one(version: int) -> None:
    try:
        find_postgres(version)
    except devstack.ProgramNotFound as missing:
        pytest.skip(str(missing))
    files = [f"tests/migrations_policy/test_{name}.py" for name in LIVE]

    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-m", "full or not full", *files],
        cwd=ROOT,
        env={**os.environ, "POLICY_POSTGRES": str(version)},
        capture_output=True,
        text=True,
    )

    assert done.returncode == 0, done.stdout[-8000:]
