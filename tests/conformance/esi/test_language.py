"""Every case of the ESI 1.0 profiles on the language alone."""

from __future__ import annotations

import pytest

from tests.conformance.esi.cases import Case, cases_file, load
from tests.conformance.esi.choices import CHOICES
from tests.conformance.esi.memory_driver import play
from tests.conformance.esi.outcome import shortcomings

CASES = load()


def test_the_cases_are_there() -> None:
    if not cases_file().exists():
        pytest.skip(f"no cases at {cases_file().name}; set TWOPASS_ESI_CASES")

    assert len(CASES) == 91


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_case(case: Case) -> None:
    expected = CHOICES.get(case.id, case.expected)

    assert shortcomings(expected, play(case)) == []


def test_only_ambiguous_cases_are_decided_otherwise() -> None:
    ambiguous = {case.id for case in CASES if case.is_ambiguous}

    assert set(CHOICES) <= ambiguous or not CASES


@pytest.mark.parametrize("name", ["mrswitch-error-throws", "symfony-no-src"])
def test_the_strict_setting_gives_the_strict_alternative(name: str) -> None:
    case = next((case for case in CASES if case.id == name), None)
    if case is None:
        pytest.skip("the cases are not there")

    assert shortcomings(case.expected, play(case, is_strict=True)) == []
