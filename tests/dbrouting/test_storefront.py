"""The storefront on replicas, by one setting: its end-to-end tests pass while they die."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.full
@pytest.mark.timeout(1800)
def test_the_shops_own_tests_pass_while_replicas_die():
    environment = {k: v for k, v in os.environ.items() if k != "DJANGO_SETTINGS_MODULE"}
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "tests/end_to_end", "-q", "-m", "not full"),
            *("-p", "tests.dbrouting.dying_replicas", "-p", "no:cacheprovider"),
        ],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
