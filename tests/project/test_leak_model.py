"""docs/leak-model.md names tests for every guard; they exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NAMED = sorted(
    set(re.findall(r"`(tests/[^`]+\.py(?:::\w+)?)`", (ROOT / "docs/leak-model.md").read_text()))
)


def test_the_page_names_tests() -> None:
    assert len(NAMED) > 30


@pytest.mark.parametrize("name", NAMED)
def test_every_named_test_exists(name: str) -> None:
    file, _, function = name.partition("::")
    text = (ROOT / file).read_text(encoding="utf-8")

    assert not function or re.search(rf"^(async )?def {function}\(", text, re.MULTILINE)
