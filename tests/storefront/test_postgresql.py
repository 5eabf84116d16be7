"""The tests that lean on the database, on a real PostgreSQL."""

import os
import subprocess
import sys
from pathlib import Path

from devstack.pytest_plugin import PostgresDatabase

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
SUITES = ("test_checkout_race.py", "test_checkout.py")


def test_the_same_on_postgresql(postgres_database: PostgresDatabase) -> None:
    url = postgres_database.cluster.primary.dsn(postgres_database.name)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--create-db"]

    done = subprocess.run(
        [*command, *(str(HERE / name) for name in SUITES)],
        cwd=ROOT,
        env={**os.environ, "STOREFRONT_DATABASE_URL": url},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert " passed" in done.stdout
