"""What tests/dbrouting proves on psycopg 3, again on psycopg2.

Django takes psycopg 3 where both are installed, once per process: hence processes of their own.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FILES = ["faults", "policies", "pools", "primary", "read_your_writes", "routing", "mirror"]


def run(file: str, markers: str) -> subprocess.CompletedProcess[str]:
    environment = {k: v for k, v in os.environ.items() if k != "DJANGO_SETTINGS_MODULE"}
    return subprocess.run(
        [
            *(sys.executable, "-m", "pytest", f"tests/dbrouting/test_{file}.py", "-q"),
            *("-m", markers, "-p", "no:cacheprovider"),
        ],
        cwd=ROOT,
        env={**environment, "DBROUTING_TEST_DRIVER": "psycopg2"},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.timeout(600)
@pytest.mark.parametrize("file", FILES)
def test_on_psycopg2(file):
    done = run(file, "not full")

    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
    assert " passed" in done.stdout


@pytest.mark.full
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("file", ["faults", "read_your_writes"])
def test_at_length_on_psycopg2(file):
    done = run(file, "full")

    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
    assert " passed" in done.stdout


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
