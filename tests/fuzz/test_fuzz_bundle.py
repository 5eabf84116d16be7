"""A second of the fuzzer in every run, so that it cannot rot; `make fuzz` runs it for long."""

from __future__ import annotations

from tests.fuzz.fuzz_bundle import run


def test_a_short_run_finds_nothing() -> None:
    assert run(seconds=1.0, seed=7) > 0
