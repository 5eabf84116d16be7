"""The same suite on Django 6, which wants a newer Python than ours: where there is one."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.dbrouting.another_run import environment_without, run_tests

PYTHONS = ("python3.14", "python3.13", "python3.12")
PACKAGES = (
    "Django>=6,<7", "psycopg[binary,pool]", "psycopg2-binary", "pytest", "pytest-django",
    "pytest-asyncio", "pytest-timeout", "pytest-randomly", "hypothesis", "redis", "msgpack",
)  # fmt: skip


def pythons() -> Iterator[Path]:
    """Those on PATH, and those that pyenv keeps."""
    yield from (Path(found) for name in PYTHONS if (found := shutil.which(name)))
    kept = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    yield from (found for name in PYTHONS for found in kept.glob(f"*/bin/{name}"))


def works(python: Path) -> bool:
    """pyenv's shims are there also for versions that are not."""
    return subprocess.run([python, "-c", "import venv"], capture_output=True).returncode == 0


@pytest.mark.full
@pytest.mark.timeout(1800)
def test_the_suite_passes_on_django_6(tmp_path):
    python = next(filter(works, pythons()), None)
    if python is None:
        pytest.skip("Django 6 needs Python 3.12 or newer, and there is none here")
    mine = tmp_path / "venv/bin/python"
    subprocess.run([python, "-m", "venv", tmp_path / "venv"], check=True)
    subprocess.run([mine, "-m", "pip", "install", "--quiet", *PACKAGES], check=True, timeout=600)

    # what is deprecated there is os.fork with threads, which a test does on purpose
    run_tests(
        *("tests/dbrouting", "-m", "not full", "-W", "default"),
        environment=environment_without("PYTHONPATH", "VIRTUAL_ENV"),
        python=mine,
    )
