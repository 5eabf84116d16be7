"""How readers of one process share a value: itself, a shallow copy, or a copy of their own.

Whoever changes what they got from a cache must change it for themselves only.
"""

from __future__ import annotations

import datetime as dt
import enum
import sys
import uuid
from dataclasses import fields, is_dataclass
from decimal import Decimal
from typing import Any, Final

from django.db.models import Model
from django.db.models.base import ModelState
from django.utils.safestring import SafeString


class Sharing(enum.Enum):
    """What a hit hands out."""

    SHARED = "the value itself: nobody can change it"
    ROW = "a shallow copy of a model instance whose fields nobody can change"
    PACKED = "unpacked anew for each reader"


_IMMUTABLE: Final = frozenset(
    {
        *(type(None), bool, int, float, str, bytes, SafeString, Decimal, uuid.UUID),
        *(dt.date, dt.datetime, dt.time, dt.timedelta),
    }
)
_ROW_OVERHEAD: Final = 600


def sharing_of(value: object) -> tuple[Sharing, int]:
    """How `value` may be shared, and about how many bytes it takes in memory."""
    if isinstance(value, Model):
        held = [item for name, item in value.__dict__.items() if name != "_state"]
        held += value._state.fields_cache.values()
        size = _ROW_OVERHEAD
        for item in held:
            inner = sharing_of(item)
            if inner[0] is Sharing.PACKED:
                return inner
            size += inner[1]
        return Sharing.ROW, size
    found = _size_if_immutable(value)
    return (Sharing.PACKED, 0) if found is None else (Sharing.SHARED, found)


def copy_of_row(row: Model) -> Model:
    """An instance with the same field values; what is set on it stays with its reader."""
    made = object.__new__(type(row))
    made.__dict__.update(row.__dict__)
    state = ModelState()
    state.db, state.adding = row._state.db, False
    if row._state.fields_cache:
        state.fields_cache = {
            name: copy_of_row(item) if isinstance(item, Model) else item
            for name, item in row._state.fields_cache.items()
        }
    made._state = state
    return made


def _size_if_immutable(value: Any) -> int | None:
    kind = type(value)
    if kind in _IMMUTABLE:
        return sys.getsizeof(value)
    if isinstance(value, enum.Enum):
        return 0
    if kind in (tuple, frozenset):
        inner = list(value)
    elif is_dataclass(value) and kind.__dataclass_params__.frozen:
        inner = [getattr(value, item.name) for item in fields(value)]
    else:
        return None
    sizes = [_size_if_immutable(item) for item in inner]
    if any(size is None for size in sizes):
        return None
    return sys.getsizeof(value) + sum(size or 0 for size in sizes)
