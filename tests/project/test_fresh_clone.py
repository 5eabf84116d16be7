"""The tracked files alone are enough: bootstrap, command, tests and build in an empty folder."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.project.checkout import ROOT, tracked_files

pytestmark = [pytest.mark.full, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the tracked files, with its own environment made by ``make venv``."""
    folder = tmp_path_factory.mktemp("clone")
    for path in tracked_files():
        target = folder / path.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, target)
    printed = run(folder, "make", "venv")
    assert "bootstrap: ready after" in printed
    assert run(folder, "make", "venv") == ""
    return folder


def run(folder: Path, *command: str) -> str:
    """Runs a command as on a machine where nothing but the system is set up."""
    settings = {name: value for name, value in os.environ.items() if name.startswith("PIP_")}
    done = subprocess.run(
        command,
        cwd=folder,
        env={**settings, "PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": str(folder)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_command_is_installed(clone: Path) -> None:
    assert "usage: twopass" in run(clone, ".venv/bin/twopass", "--help")


def test_the_servers_are_found(clone: Path) -> None:
    program = "import devstack\nwith devstack.postgres(1), devstack.redis(): print('up')"
    assert run(clone, ".venv/bin/python", "-c", program) == "up\n"


def test_a_suite_runs(clone: Path) -> None:
    closing = run(clone, "scripts/test", "--suite", "fragments").splitlines()[-1]
    passed = int(closing.split()[0])
    assert passed > 100
    assert closing.startswith(f"{passed} passed, 0 failed")


def test_it_builds(clone: Path) -> None:
    run(clone, "make", "build")
    assert sorted(path.suffix for path in (clone / "dist").iterdir()) == [".gz", ".whl"]
