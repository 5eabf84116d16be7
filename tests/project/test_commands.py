"""The Makefile's targets, CI's entry, and what the bootstrap says when something is missing."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.project.checkout import ROOT

TARGETS = re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE)


def write_program(path: Path, text: str) -> None:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    """A PATH with the tools that scripts use, and no Python."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("sh", "cat", "cksum", "cut", "date", "dirname", "echo", "grep", "rm"):
        (folder / name).symlink_to(shutil.which(name) or f"/bin/{name}")
    return folder


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """As much of the project as the bootstrap reads."""
    folder = tmp_path / "checkout"
    (folder / "scripts").mkdir(parents=True)
    shutil.copytree(ROOT / "requirements", folder / "requirements")
    shutil.copy(ROOT / "pyproject.toml", folder)
    shutil.copy(ROOT / "scripts/bootstrap", folder / "scripts")
    return folder


def bootstrap(checkout: Path, programs: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [checkout / "scripts/bootstrap"],
        env={"PATH": str(programs)},
        capture_output=True,
        text=True,
    )


def test_the_promised_targets_exist() -> None:
    promised = {"demo", "test", "test-full", "lint", "bench", "sabotage", "fuzz", "lock", "build"}
    assert promised <= set(TARGETS)


@pytest.mark.parametrize("target", TARGETS)
def test_every_target_can_be_planned(target: str) -> None:
    done = subprocess.run(["make", "-n", target], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_make_alone_lists_the_targets() -> None:
    done = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True)
    assert re.findall(r"make ([a-z-]+)", done.stdout)[: len(TARGETS)] != []
    assert "make test-full" in done.stdout


@pytest.mark.parametrize("status", [0, 1, 2])
def test_ci_runs_make_test_and_ends_as_it_does(tmp_path: Path, status: int) -> None:
    asked = tmp_path / "asked"
    write_program(tmp_path / "make", f'echo "$PWD $@" > {asked}; exit {status}')
    environment = {**os.environ, "PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(["bash", str(ROOT / ".ci/run")], cwd="/", env=environment)
    assert done.returncode == status
    assert asked.read_text() == f"{ROOT} test\n"


def test_no_python_says_what_to_install(checkout: Path, programs: Path) -> None:
    done = bootstrap(checkout, programs)
    assert done.returncode == 1
    assert "Python 3.11 or newer was not found" in done.stderr
    assert "apt-get install python3 python3-pip" in done.stderr


def test_an_old_python_is_not_taken(checkout: Path, programs: Path) -> None:
    write_program(programs / "python3", "exit 1")  # what the version check does below 3.11
    done = bootstrap(checkout, programs)
    assert done.returncode == 1
    assert "Python 3.11 or newer was not found" in done.stderr


@pytest.mark.parametrize(
    ("pip", "message"),
    [
        ("exit 1", "has no pip.\n  Debian:     apt-get install python3-pip"),
        ("echo pip 20.3.4 from x", "pip is too old (pip 20.3.4 from x)"),
    ],
    ids=["no pip", "old pip"],
)
def test_a_missing_or_old_pip_says_what_to_do(
    checkout: Path, programs: Path, pip: str, message: str
) -> None:
    write_program(programs / "python3", f'case "$1 $2" in "-m pip") {pip} ;; esac')
    done = bootstrap(checkout, programs)
    assert done.returncode == 1
    assert message in done.stderr


def test_an_unreachable_index_says_what_to_do(checkout: Path, programs: Path) -> None:
    write_program(
        programs / "python3",
        'case "$*" in *"pip --version"*) echo pip 23.0 from x;; *install*) exit 1;; esac',
    )
    done = bootstrap(checkout, programs)
    assert done.returncode == 1
    assert "Is the package index reachable?" in done.stderr
    assert not (checkout / ".venv/.ready").exists()


@pytest.fixture
def asked(checkout: Path, programs: Path) -> Path:
    """A stand-in for Python writes here what it was asked; the environment has one too."""
    asked = checkout.with_name("asked")  # beside it, as it may be moved
    (checkout / ".venv/bin").mkdir(parents=True)
    write_program(checkout / ".venv/bin/python", "exit 0")
    write_program(
        programs / "python3",
        f'echo "$@" >> {asked}\ncase "$*" in *"pip --version"*) echo pip 23.0 from x;; esac',
    )
    return asked


def test_it_runs_again_only_when_something_changed(
    checkout: Path, programs: Path, asked: Path
) -> None:
    def installs() -> int:
        done = bootstrap(checkout, programs)
        assert done.returncode == 0, done.stderr
        return asked.read_text().count("--require-hashes")

    assert installs() == 1
    assert installs() == 1
    with (checkout / "requirements/dev.lock").open("a") as lock:
        lock.write("# changed\n")
    assert installs() == 2


def test_an_environment_that_works_is_kept_and_one_that_moved_is_not(
    checkout: Path, programs: Path, asked: Path
) -> None:
    bootstrap(checkout, programs)
    assert "venv --clear" not in asked.read_text()

    moved = checkout.rename(checkout.with_name("moved"))
    bootstrap(moved, programs)
    assert "venv --clear" in asked.read_text()
