"""The list of breaks stays in step with the code it breaks, and the harness can tell."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.sabotage.harness import OutOfStep, Sabotage, read


@pytest.mark.parametrize("item", read(), ids=lambda item: item.id)
def test_every_break_still_fits(item: Sabotage) -> None:
    item.check()


def example(tree: Path, find: str, replace: str) -> Sabotage:
    tests = tree / "tests" / "unit"
    tests.mkdir(parents=True, exist_ok=True)
    (tree / "code.py").write_text("LIMIT = 3\nUNTESTED = 1\n")
    (tests / "test_code.py").write_text(
        "import sys; sys.path.insert(0, '.')\nimport code_under_test as c\n"
        "def test_limit():\n    assert c.LIMIT == 3\n".replace("code_under_test", "code_")
    )
    (tree / "code_.py").write_text((tree / "code.py").read_text())
    return Sabotage("x", "x", "code_.py", find, replace, ("tests/unit/test_code.py",))


def test_a_guarded_break_is_noticed(tmp_path: Path) -> None:
    item = example(tmp_path, "LIMIT = 3", "LIMIT = 4")

    assert item.is_noticed(tmp_path) == (True, "")
    assert "LIMIT = 3" in (tmp_path / "code_.py").read_text()


def test_an_unguarded_break_is_not(tmp_path: Path) -> None:
    item = example(tmp_path, "UNTESTED = 1", "UNTESTED = 2")

    assert item.is_noticed(tmp_path)[0] is False


def test_tests_that_cannot_run_do_not_count_as_red(tmp_path: Path) -> None:
    item = example(tmp_path, "LIMIT = 3", "LIMIT = (")

    noticed, said = item.is_noticed(tmp_path)

    assert not noticed
    assert "could not run" in said


@pytest.mark.parametrize("find", ["nowhere", "="])
def test_a_break_that_fits_nowhere_or_twice_is_out_of_step(tmp_path: Path, find: str) -> None:
    with pytest.raises(OutOfStep):
        example(tmp_path, find, "").check(tmp_path)
