"""Methods as cached functions: only with a key that tells instances apart.

Their values are everybody's, so that one cart's total must have another name than the next one's.
"""

from __future__ import annotations

import inspect
import string
from collections.abc import Callable
from typing import Any, Final

from .keys import BadKey

_RECEIVERS: Final = frozenset({"self", "cls"})
_DESCRIPTORS: Final = (classmethod, staticmethod, property)


def is_method(function: Callable[..., Any], key: str | Callable[..., str] | None) -> bool:
    """Whether it has an instance or a class first. Raises BadKey for one whose key does not name
    a part of it."""
    if isinstance(function, _DESCRIPTORS):
        raise BadKey(f"@cached stands below @{type(function).__name__}, next to the function")
    name = function.__qualname__
    if inspect.ismethod(function):
        owner = type(function.__self__).__name__
        raise BadKey(f"{name} is bound to one {owner}, which no key names")
    receiver = _receiver_of(function, key)
    if receiver is None or callable(key):
        return receiver is not None
    if key is None or not _names_part_of(key, receiver):
        raise BadKey(
            f"{name} is a method, and nothing in key={key!r} tells whose value it is: write "
            f"key='…{{{receiver}.pk}}', or whatever tells instances apart, or make it a function"
        )
    return True


def class_of(receiver: object) -> str:
    """What parts the rows of two models that have a method, and may have a key, in common."""
    kind = receiver if isinstance(receiver, type) else type(receiver)
    return f"{kind.__module__}.{kind.__qualname__}"


def _receiver_of(function: Callable[..., Any], key: object) -> str | None:
    """The parameter that holds the instance (or class), None for a function."""
    first = next(iter(inspect.signature(function).parameters), None)
    if first in _RECEIVERS:
        return first
    outer = function.__qualname__.rpartition(".")[0]
    is_in_class = bool(outer) and not outer.endswith("<locals>")
    # without a key all arguments count: what may be a static method as well needs none
    return first if is_in_class and key is not None else None


def _names_part_of(key: str, receiver: str) -> bool:
    """Whether `key` holds `{receiver.something}`: an instance's own text names nobody."""
    fields = (name for _, name, _, _ in string.Formatter().parse(key) if name)
    return any(name.startswith((f"{receiver}.", f"{receiver}[")) for name in fields)
