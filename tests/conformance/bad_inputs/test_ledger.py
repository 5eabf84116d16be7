"""None of the 67 is forgotten."""

from __future__ import annotations

import re
from pathlib import Path

HERE = Path(__file__).parent


def test_every_bad_input_has_a_test_by_its_number() -> None:
    source = "".join(path.read_text(encoding="utf-8") for path in HERE.glob("test_*.py"))
    numbers = {int(number) for number in re.findall(r"async def test_(\d\d)_", source)}

    assert sorted(set(range(1, 68)) - numbers) == []
