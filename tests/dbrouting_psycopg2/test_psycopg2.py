"""What tests/dbrouting proves on psycopg 3, again on psycopg2.

Django takes psycopg 3 where both are installed, once per process: hence processes of their own.
"""

import os
import subprocess
import sys

import pytest

from tests.dbrouting.another_run import ROOT, environment_without, run_tests

FILES = ["faults", "policies", "pools", "primary", "read_your_writes", "routing", "mirror"]


def run(file: str, markers: str) -> str:
    environment = {**environment_without(), "DBROUTING_TEST_DRIVER": "psycopg2"}
    return run_tests(f"tests/dbrouting/test_{file}.py", "-m", markers, environment=environment)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("file", FILES)
def test_on_psycopg2(file):
    assert " passed" in run(file, "not full")


@pytest.mark.full
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("file", ["faults", "read_your_writes"])
def test_at_length_on_psycopg2(file):
    assert " passed" in run(file, "full")


def test_the_driver_is_psycopg2():
    """The switch works: without psycopg 3 in sight, Django's backend takes psycopg2."""
    code = (
        "import tests.dbrouting.settings;"
        "from django.db.backends.postgresql.psycopg_any import is_psycopg3; print(is_psycopg3)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={**os.environ, "DBROUTING_TEST_DRIVER": "psycopg2", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout == "False\n"
