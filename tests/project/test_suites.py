"""The runner of the suites: never green by accident."""

import subprocess
import sys
from pathlib import Path

import pytest

from scripts.suites import clean_environment, find_suites
from tests.project.checkout import ROOT

CLOSING_LINE = -1


def make_suite(tests: Path, name: str, text: str) -> None:
    folder = tests / name
    folder.mkdir(parents=True)
    (folder / "test_it.py").write_text(text)


def run(tests: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    (tests.parent / "pytest.ini").write_text(
        "[pytest]\naddopts = -p no:randomly\nmarkers =\n    full: long tests\n"
    )
    return subprocess.run(
        [
            *(sys.executable, "-m", "scripts.suites", "--tests", str(tests)),
            *("--reports", str(tests.parent / "reports"), *arguments),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )


PASSES = "def test_it(): pass\n"
FAILS = "def test_it(): assert 'apples' == 'pears'\n"
FULL_ONLY = "import pytest\n@pytest.mark.full\ndef test_it(): pass\n"


@pytest.fixture
def tests(tmp_path: Path) -> Path:
    folder = tmp_path / "tests"
    folder.mkdir()
    return folder


def test_all_green(tests: Path) -> None:
    make_suite(tests, "one", PASSES)
    make_suite(tests, "end_to_end", PASSES + "import pytest\ndef test_b(): pytest.skip('no')\n")
    done = run(tests)
    assert done.stdout.splitlines()[CLOSING_LINE] == "2 passed, 0 failed, 1 skipped"
    assert done.returncode == 0, done.stderr


def test_a_failing_test_fails_the_run_and_is_shown(tests: Path) -> None:
    make_suite(tests, "good", PASSES)
    make_suite(tests, "bad", FAILS)
    done = run(tests)
    assert done.returncode == 1
    assert "assert 'apples' == 'pears'" in done.stdout
    assert done.stdout.splitlines()[CLOSING_LINE] == "1 passed, 1 failed, 0 skipped"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (FULL_ONLY, "found no test to run"),
        ("import os\ndef test_it(): os._exit(7)\n", "pytest ended with code 7"),
        ("import nowhere_to_be_found\n", "1 failed"),
    ],
    ids=["empty", "crash", "import error"],
)
def test_a_suite_that_proves_nothing_fails_the_run(tests: Path, text: str, problem: str) -> None:
    make_suite(tests, "good", PASSES)
    make_suite(tests, "odd", text)
    done = run(tests)
    assert done.returncode == 1
    assert problem in done.stdout
    assert done.stdout.splitlines()[CLOSING_LINE] == "1 passed, 1 failed, 0 skipped"


def test_no_suite_at_all_fails(tests: Path) -> None:
    done = run(tests)
    assert done.returncode == 1
    assert done.stdout.splitlines()[CLOSING_LINE] == "0 passed, 0 failed, 0 skipped"


def test_a_selection_that_matches_nothing_fails(tests: Path) -> None:
    make_suite(tests, "one", PASSES)
    make_suite(tests, "two", "def test_other(): pass\n")
    assert run(tests, "--", "-k", "other").returncode == 0
    assert run(tests, "--", "-k", "nothing").returncode == 1


def test_full_runs_the_long_tests(tests: Path) -> None:
    make_suite(tests, "one", PASSES + FULL_ONLY.replace("test_it", "test_long"))
    assert "1 passed, 0 failed" in run(tests).stdout
    assert "2 passed, 0 failed" in run(tests, "--full").stdout


def test_one_suite_by_name(tests: Path) -> None:
    make_suite(tests, "one", PASSES)
    make_suite(tests, "two", FAILS)
    assert run(tests, "--suite", "one").returncode == 0
    assert "no such suite: three (there are: one, two)" in run(tests, "--suite", "three").stderr


def test_every_folder_with_tests_is_a_suite() -> None:
    found = find_suites(ROOT / "tests")
    assert {"devstack", "project"} <= set(found)
    assert "__pycache__" not in found


def test_the_callers_own_settings_do_not_change_the_product() -> None:
    environment = {"TWOPASS_SECRET": "s", "DJANGO_SETTINGS_MODULE": "m", "PATH": "p"}
    assert clean_environment(environment) == {"PATH": "p"}
