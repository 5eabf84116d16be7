"""sdist and wheel build without a network and hold what they should, and nothing else."""

import os
import subprocess
import sys
import tarfile
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest

from tests.project.checkout import PACKAGES, ROOT, modules, pyproject, tracked_files

NOT_SHIPPED = ("tests", "devstack", "examples", "benchmarks", "scripts")


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an sdist and the wheel that was made from it."""
    folder = tmp_path_factory.mktemp("dist")
    done = subprocess.run(
        [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder), str(ROOT)],
        capture_output=True,
        text=True,
        env={**os.environ, "PIP_NO_INDEX": "1"},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.fixture(scope="session")
def wheel(built: Path) -> zipfile.ZipFile:
    [path] = built.glob("*.whl")
    return zipfile.ZipFile(path)


@pytest.fixture(scope="session")
def metadata(wheel: zipfile.ZipFile) -> dict[str, list[str]]:
    [name] = [name for name in wheel.namelist() if name.endswith(".dist-info/METADATA")]
    message = Parser().parsestr(wheel.read(name).decode())
    return {key: message.get_all(key, []) for key in message}


def test_the_wheel_holds_the_packages_only(wheel: zipfile.ZipFile) -> None:
    tops = {name.split("/")[0] for name in wheel.namelist()}
    version = pyproject()["project"]["version"]
    assert tops == {*PACKAGES, f"twopass-{version}.dist-info"}
    assert not any(name.split("/")[0] in NOT_SHIPPED for name in wheel.namelist())


@pytest.mark.parametrize("package", PACKAGES)
def test_the_wheel_holds_every_file_of_a_package(wheel: zipfile.ZipFile, package: str) -> None:
    files = (path.relative_to(ROOT) for path in tracked_files())
    expected = {str(path) for path in files if path.parts[0] == package}
    assert expected - set(wheel.namelist()) == set()
    assert f"{package}/py.typed" in wheel.namelist()


def test_the_metadata(metadata: dict[str, list[str]], wheel: zipfile.ZipFile) -> None:
    assert metadata["Name"] == ["twopass"]
    assert metadata["License-Expression"] == ["MIT"]
    assert metadata["Requires-Python"] == [">=3.11"]
    assert {"edge", "origin", "dev", "bench"} <= set(metadata["Provides-Extra"])
    [entry_points] = [name for name in wheel.namelist() if name.endswith("entry_points.txt")]
    assert "twopass = edge.cli:main" in wheel.read(entry_points).decode()
    assert any(name.endswith("licenses/LICENSE") for name in wheel.namelist())


def test_the_sdist_builds_all_of_it_again(built: Path) -> None:
    """The wheel was made from this sdist; what a packager also wants is the tests."""
    [path] = built.glob("*.tar.gz")
    with tarfile.open(path) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {"pyproject.toml", "README.md", "LICENSE", "Makefile", "tests/conftest.py"} <= names
    unwanted = (".venv", "var/", ".git/", ".ci/", ".demo", ".hypothesis", "db.sqlite3")
    assert [name for name in names if name.startswith(unwanted)] == []


def test_the_wheel_works_without_the_checkout(built: Path, tmp_path: Path) -> None:
    """Imported from the wheel's own files, with dependencies but no editable install (-S)."""
    [path] = built.glob("*.whl")
    zipfile.ZipFile(path).extractall(tmp_path)
    dependencies = next(p for p in sys.path if p.endswith("site-packages"))
    names = [name for package in ("edge", "fragments") for name in modules(package)]
    program = (
        "import importlib, sys\n"
        f"for name in {names!r}:\n"
        "    module = importlib.import_module(name)\n"
        f"    assert module.__file__.startswith({str(tmp_path)!r}), module.__file__\n"
        "from edge.cli import main\n"
        "sys.exit(main(['--help']))\n"
    )
    done = subprocess.run(
        [sys.executable, "-S", "-c", program],
        cwd=tmp_path,
        env={"PYTHONPATH": f"{tmp_path}{os.pathsep}{dependencies}", "PATH": os.defpath},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert "usage: twopass" in done.stdout
