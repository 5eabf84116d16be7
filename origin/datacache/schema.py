"""Fingerprints of the shapes that are stored: what has another shape has another key.

A process of the release before and one of this release keep their entries side by side.
"""

from __future__ import annotations

import contextlib
import dataclasses
import enum
import functools
import hashlib
import types
import typing
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Final

from django.apps import apps
from django.core.exceptions import EmptyResultSet
from django.db.models import Model, Prefetch

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


def fingerprint_of_class(kind: type) -> str:
    """The shapes that a generic class says it holds: those of `Loader[int, Offer]`."""
    bases = getattr(kind, "__orig_bases__", ())
    return digest(
        part for base in bases for item in _types_in(base) for part in _shape(item, _DEPTH)
    )


def fingerprint_of_queryset(queryset: Any) -> str:
    """The shape of a queryset's rows: its SQL, and the models that come with them."""
    return digest(_shape_of_queryset(queryset))


def _shape_of_queryset(queryset: Any) -> Iterator[str]:
    query = queryset.query
    yield fingerprint(queryset.model)
    with contextlib.suppress(EmptyResultSet):
        yield str(query)
    selected = query.select_related if isinstance(query.select_related, dict) else {}
    for path in _paths(selected):
        yield from _shapes_along(queryset.model, path)
    for lookup in queryset._prefetch_related_lookups:
        if not isinstance(lookup, Prefetch):
            lookup = Prefetch(lookup)
        yield f"{lookup.prefetch_through} {lookup.prefetch_to}"
        yield from _shapes_along(queryset.model, lookup.prefetch_through.split("__"))
        if lookup.queryset is not None:
            yield from _shape_of_queryset(lookup.queryset)


def _paths(selected: dict[str, Any]) -> Iterator[list[str]]:
    for name, below in selected.items():
        yield [name]
        for path in _paths(below):
            yield [name, *path]


def _shapes_along(model: type[Model], path: Sequence[str]) -> Iterator[str]:
    """Of the models that a path of relations leads to, as far as models say where it leads."""
    current: Any = model
    for name in path:
        current = _related_model(current, name)
        if not isinstance(current, type):
            return
        yield fingerprint(current)


def _related_model(model: type[Model], name: str) -> Any:
    # a models module that makes a CachedModel as it is imported: Django does not know it all yet
    for field in model._meta.get_fields() if apps.models_ready else ():
        accessor = getattr(field, "get_accessor_name", lambda: None)()
        if name in (field.name, accessor):
            return field.related_model
    return None


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
