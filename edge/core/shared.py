"""One object for equal values: a million stored things mostly say the same."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Final

from edge.core.messages import Field

MAX_LENGTH: Final = 256
"""Bytes of a field's value that is worth looking up; 4,096 of them are a mebibyte at most."""

_PLACE: Final = 8
"""Bytes for a field that others have too: a place in a tuple."""
_OBJECTS: Final = 104
"""Bytes for one that nobody else has: its place, the tuple of name and value, the value's head."""


def shared_fields(fields: Iterable[Field]) -> tuple[tuple[Field, ...], int]:
    """Equal fields, the same ones for all who ask where they are short; the bytes they take more.

    Whoever is the first with a field pays for it.
    """
    found: list[Field] = []
    size = 0
    for field in fields:
        if len(field[1]) > MAX_LENGTH:
            shared = (_name(field[0]), field[1])
            is_new = True
        else:
            before = _field.cache_info().misses
            shared = _field(field)
            is_new = _field.cache_info().misses != before
        size += _OBJECTS + len(field[1]) if is_new else _PLACE
        found.append(shared)
    if size == _PLACE * len(found):
        return _all(tuple(found)), 0
    return tuple(found), size


@lru_cache(maxsize=1024)
def _all(fields: tuple[Field, ...]) -> tuple[Field, ...]:
    return fields


@lru_cache(maxsize=4096)
def _field(field: Field) -> Field:
    return _name(field[0]), field[1]


@lru_cache(maxsize=1024)
def _name(name: bytes) -> bytes:
    return name
