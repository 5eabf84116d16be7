"""Fingerprints of the shapes that are stored: what has another shape has another key.

A process of the release before and one of this release keep their entries side by side.
"""

from __future__ import annotations

import dataclasses
import enum
import functools
import hashlib
import types
import typing
from collections.abc import Callable, Iterable
from typing import Any, Final

from django.db.models import Model

_DEPTH: Final = 8
_LENGTH: Final = 10


def digest(parts: Iterable[str]) -> str:
    """A short fingerprint of some texts, in their order."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:_LENGTH]


@functools.lru_cache(maxsize=4096)
def fingerprint(kind: type) -> str:
    """The shape of a model, a dataclass or an enumeration: names and types of what it holds."""
    return digest(_shape(kind, _DEPTH))


def fingerprint_of_function(function: Callable[..., Any], version: str = "") -> str:
    """The shape of what a function gives: its code, and the types that it says it returns.

    The code counts because it *is* the serializer: who builds another dict means another shape.
    """
    function = typing.cast("Callable[..., Any]", _unwrapped(function))
    parts = [version, *_code(getattr(function, "__code__", None))]
    try:
        returned = typing.get_type_hints(function).get("return")
    except Exception:  # noqa: BLE001  # names of a TYPE_CHECKING block: the code has to do
        returned = None
    for kind in _types_in(returned):
        parts += _shape(kind, _DEPTH)
    return digest(parts)


def _unwrapped(function: Any) -> Any:
    while hasattr(function, "__wrapped__"):
        function = function.__wrapped__
    return function


def _code(code: types.CodeType | None) -> list[str]:
    if code is None:
        return []
    parts = [code.co_code.hex(), ",".join(code.co_names), ",".join(code.co_varnames)]
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            parts += _code(constant)
        elif isinstance(constant, frozenset):  # their order differs from process to process
            parts.append(repr(sorted(map(repr, constant))))
        else:
            parts.append(repr(constant))
    return parts


def _types_in(annotation: Any) -> list[type]:
    inner = [kind for item in typing.get_args(annotation) for kind in _types_in(item)]
    return [annotation, *inner] if isinstance(annotation, type) else inner


def _shape(kind: type, depth: int) -> list[str]:
    name = f"{kind.__module__}.{kind.__qualname__}"
    if depth == 0:
        return [name]
    if issubclass(kind, enum.Enum):
        return [name, *(f"{item.name}={item.value!r}" for item in kind)]
    if issubclass(kind, Model):
        return [name, *(f"{f.attname}:{f.get_internal_type()}" for f in kind._meta.concrete_fields)]
    if not dataclasses.is_dataclass(kind):
        return [name]
    parts = [name, *(f"{item.name}:{item.type}" for item in dataclasses.fields(kind))]
    try:
        hints = typing.get_type_hints(kind)
    except Exception:  # noqa: BLE001  # names of a TYPE_CHECKING block: their text has to do
        return parts
    for hint in hints.values():
        for inner in _types_in(hint):
            parts += _shape(inner, depth - 1)
    return parts
