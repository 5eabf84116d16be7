"""docs/origin.md names every setting, option, mode, counter and reason there is."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest

import origin
from origin.conf import Settings
from origin.passes import PageOptions
from origin.registry import FragmentOptions

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "origin.md").read_text()
SOURCE = "\n".join(path.read_text() for path in (ROOT / "origin").rglob("*.py"))
NOT_KEYS = {"keyring", "secret_is_shared"}


@pytest.mark.parametrize(
    "key",
    ["SECRET", *(item.name.upper() for item in fields(Settings) if item.name not in NOT_KEYS)],
)
def test_every_setting_is_documented(key: str) -> None:
    assert f"`{key}`" in TEXT


@pytest.mark.parametrize("name", [item.name for item in fields(PageOptions)])
def test_every_option_of_a_page_is_documented(name: str) -> None:
    assert f"| `{name}` |" in TEXT


@pytest.mark.parametrize("name", [item.name for item in fields(FragmentOptions)])
def test_every_option_of_a_fragment_is_documented(name: str) -> None:
    assert f"`{name.replace('when_cookies', 'when_cookie')}`" in TEXT


@pytest.mark.parametrize("name", origin.__all__)
def test_every_public_name_is_documented(name: str) -> None:
    assert name in TEXT


@pytest.mark.parametrize(
    "reason", sorted(set(re.findall(r'(?:UnfitPage|give_up)\(\s*"([a-z-]+)"', SOURCE)))
)
def test_every_reason_for_a_pass_is_documented(reason: str) -> None:
    assert f"`{reason}`" in TEXT
