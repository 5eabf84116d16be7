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
_CONTAINERS: Final = frozenset({tuple, frozenset})
_ROW_OVERHEAD: Final = 600


def sharing_of(value: object) -> Sharing:
    """How `value` may be shared."""
    if type(value) in _IMMUTABLE:
        return Sharing.SHARED
    if isinstance(value, Model):
        return Sharing.ROW if _is_plain_row(value) else Sharing.PACKED
    return Sharing.SHARED if _is_immutable(value) else Sharing.PACKED


def size_of(value: Any) -> int:
    """About how many bytes a value takes that is shared; of others, nothing is kept but bytes."""
    if isinstance(value, Model):
        held = [item for name, item in value.__dict__.items() if name != "_state"]
        held += value._state.fields_cache.values()
        return _ROW_OVERHEAD + sum(map(size_of, held))
    if isinstance(value, enum.Enum):
        return 0
    return sys.getsizeof(value) + sum(map(size_of, _inside(value)))


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


def _is_plain_row(row: Model) -> bool:
    for name, item in row.__dict__.items():
        if type(item) not in _IMMUTABLE and name != "_state" and not _is_immutable(item):
            return False
    related = row._state.fields_cache.values()
    return all(sharing_of(item) is not Sharing.PACKED for item in related)


def _is_immutable(value: Any) -> bool:
    kind = type(value)
    if kind in _IMMUTABLE or isinstance(value, enum.Enum):
        return True
    parameters = getattr(kind, "__dataclass_params__", None)
    if kind in _CONTAINERS or (parameters is not None and parameters.frozen):
        return all(map(_is_immutable, _inside(value)))
    return False


def _inside(value: Any) -> list[Any]:
    if type(value) in _CONTAINERS:
        return list(value)
    if is_dataclass(value) and not isinstance(value, type):
        return [getattr(value, item.name) for item in fields(value)]
    return []
