"""A copy of a dict that overrides its reading, made without reading through the overrides."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

V = TypeVar("V")


def plain_copy(values: Mapping[str, V]) -> dict[str, V]:
    """`values` as a plain dict.

    `dict(values)` and `dict.copy(values)` call a subclass's own `keys` and `__getitem__`, which
    would record (or forbid) reading everything.
    """
    return dict(dict.items(values)) if isinstance(values, dict) else dict(values)
