"""`@cached`: a function's values in the levels.

@cached(key="navigation:{language}", max_age=3600, stale=60, groups=("navigation",))
def navigation(language): ...
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any, Final, ParamSpec, Protocol, TypeVar, cast

from asgiref.sync import iscoroutinefunction
from django.contrib.sessions.backends.base import SessionBase
from django.http import HttpRequest

from . import driving, methods
from .definition import Definition
from .fast_path import at_hand
from .keys import BadKey, argument_ident, formatted, name_of, told_apart
from .policy import Policy
from .schema import digest, fingerprint_of_function

P = ParamSpec("P")
R = TypeVar("R", covariant=True)
Groups = Sequence[str] | Callable[..., Iterable[str]]


class CachedFunction(Protocol[P, R]):
    """A function with its levels. The underlying one is `__wrapped__`."""

    definition: Definition

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """The value, from the nearest level that has it."""

    def aget(self, *args: P.args, **kwargs: P.kwargs) -> Awaitable[R]:
        """The same in an event loop, for a function that is not async itself."""

    def invalidate(self, *args: P.args, **kwargs: P.kwargs) -> None:
        """Drop the value for these arguments, when the transaction commits."""


def cached(
    *,
    max_age: float,
    key: str | Callable[..., str] | None = None,
    stale: float = 0.0,
    groups: Groups = (),
    version: str | int = "",
) -> Callable[[Callable[P, R]], CachedFunction[P, R]]:
    """Keep a function's values: `max_age` seconds fresh, `stale` more while they are loaded anew.

    `key` and `groups` hold `{arguments}`, or are functions of them; without a key all arguments
    tell values apart. What is read through the data caches inside adds its own groups, and bounds
    the age. The function's code and the types it says it returns are part of the key; `version` is
    for what those do not show. Works for async functions too, and for methods whose key names a
    part of their instance, `{self.pk}`. Raises BadKey for others, and when called with arguments
    that no key can be made of.
    """
    if isinstance(groups, str):
        raise TypeError("cached: groups is a list of names")
    policy = Policy(max_age, stale)

    def mark(function: Callable[P, R]) -> CachedFunction[P, R]:
        calls = _Calls(function, key, groups)
        definition = Definition(
            label=f"{function.__module__}.{function.__qualname__}",
            schema=digest([fingerprint_of_function(function, str(version)), _shape_of_key(key)]),
            policy=policy,
            name_of=calls.name,
            groups=lambda ident: (*calls.groups(ident), _own_group(definition, ident)),
            shown_groups=_shown(groups),
            **calls.loaders(),
        )
        return cast("CachedFunction[P, R]", _wrap(function, calls, definition))

    return mark


class _Calls:
    """Calls of one function as idents: tuples of arguments, in order and with their defaults."""

    def __init__(
        self, function: Callable[..., Any], key: str | Callable[..., str] | None, groups: Groups
    ) -> None:
        self._is_method = methods.is_method(function, key)
        self._function = function
        self._key = key
        self._groups = groups if callable(groups) else tuple(groups)
        self._signature = inspect.signature(function)
        self._names = tuple(self._signature.parameters)
        kinds = {item.kind for item in self._signature.parameters.values()}
        self.is_async = iscoroutinefunction(function)
        self._is_plain = kinds <= {inspect.Parameter.POSITIONAL_OR_KEYWORD}
        self._has_placeholders = not callable(groups) and any("{" in name for name in groups)
        self._fixed: str | None = None
        if not self._names and not callable(key):
            self._fixed = "-" if key is None else key

    def ident(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Ident:
        """The ident of a call. Raises TypeError as the call would; BadKey for a visitor's own."""
        for value in (*args, *kwargs.values()):
            if _is_visitors(value):
                raise BadKey(
                    f"{self._function.__qualname__} is given {type(value).__name__}, which is one "
                    "visitor's, while its values are everybody's: give it what they depend on, "
                    "as request.LANGUAGE_CODE or user.pk"
                )
        if self._is_plain and not kwargs and len(args) == len(self._names):
            return Ident(args, {})
        bound = self._signature.bind(*args, **kwargs)
        bound.apply_defaults()
        return Ident(bound.args, bound.kwargs)

    def name(self, ident: Ident) -> str:
        """What tells its value from others."""
        if self._fixed is not None:
            return self._fixed
        name = self._name(ident)
        return f"{methods.class_of(ident.args[0])}:{name}" if self._is_method else name

    def _name(self, ident: Ident) -> str:
        if callable(self._key):
            return str(told_apart(self._key(*ident.args, **ident.kwargs)))
        arguments = self._arguments(ident)
        if self._key is None:
            return argument_ident(arguments)
        return name_of(self._key, arguments)

    def groups(self, ident: Ident) -> tuple[str, ...]:
        """The groups that are known before it is loaded."""
        if callable(self._groups):
            return tuple(self._groups(*ident.args, **ident.kwargs))
        if not self._has_placeholders:
            return self._groups
        arguments = self._arguments(ident)
        return tuple(formatted(name, arguments, "group") for name in self._groups)

    def loaders(self) -> dict[str, Any]:
        """The function as the levels want it."""
        if self.is_async:
            return {"aload": self._aload}
        return {"load": self._load}

    def _load(self, idents: Sequence[Ident]) -> Mapping[Ident, Any]:
        return {ident: self._function(*ident.args, **ident.kwargs) for ident in idents}

    async def _aload(self, idents: Sequence[Ident]) -> Mapping[Ident, Any]:
        return {ident: await self._function(*ident.args, **ident.kwargs) for ident in idents}

    def _arguments(self, ident: Ident) -> dict[str, Any]:
        return self._signature.bind(*ident.args, **ident.kwargs).arguments


def _is_visitors(value: object) -> bool:
    """A request, a session, or a view that answers a request."""
    if isinstance(value, HttpRequest | SessionBase):
        return True
    return isinstance(getattr(value, "__dict__", {}).get("request"), HttpRequest)


class Ident:
    """The arguments of one call; compared by identity, since they need not be hashable."""

    __slots__ = ("args", "kwargs")

    def __init__(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self.args = args
        self.kwargs = kwargs

    def __str__(self) -> str:
        parts = [*map(repr, self.args), *(f"{name}={item!r}" for name, item in self.kwargs.items())]
        return ", ".join(parts)


_ABSENT: Final = object()
_SIMPLE: Final = frozenset({str, int, bool, float, bytes, type(None)})
_TEXTS: Final = frozenset({str, bytes})
MAX_KEYS: Final = 4096
"""Keys of late calls that are remembered for each function."""
MAX_TEXT: Final = 200
"""Characters, or bytes, of an argument in them: visitors choose some, as long as they like."""


class _NotSimple(Exception):
    """Arguments whose key is made anew each time: (1,) equals (True,), but is another key."""


def _simple_ident(calls: _Calls, args: tuple[Any, ...]) -> Ident:
    for value in args:
        if type(value) not in _SIMPLE or (type(value) in _TEXTS and len(value) > MAX_TEXT):
            raise _NotSimple
    return calls.ident(args, {})


def _wrap(function: Any, calls: _Calls, definition: Definition) -> Any:
    key_of = functools.lru_cache(maxsize=MAX_KEYS, typed=True)(
        lambda *args: definition.key(_simple_ident(calls, args))
    )

    def quick(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if kwargs:
            return _ABSENT
        try:
            key = key_of(*args)
        except (TypeError, _NotSimple):  # unhashable, or equal to what it is not
            return _ABSENT
        return at_hand(definition.label, key, args, _ABSENT)

    def read(*args: Any, **kwargs: Any) -> Any:
        value = quick(args, kwargs)
        if value is not _ABSENT:
            return value
        ident = calls.ident(args, kwargs)
        return driving.read(definition, (ident,))[ident]

    async def aread(*args: Any, **kwargs: Any) -> Any:
        value = quick(args, kwargs)
        if value is not _ABSENT:
            return value
        ident = calls.ident(args, kwargs)
        return (await driving.aread(definition, (ident,)))[ident]

    wrapper: Any = functools.wraps(function)(aread if calls.is_async else read)
    wrapper.aget = functools.wraps(function)(aread)
    wrapper.definition = definition
    wrapper.invalidate = lambda *args, **kwargs: _invalidate(definition, calls.ident(args, kwargs))
    return wrapper


def _shown(groups: Groups) -> tuple[str, ...]:
    if callable(groups):
        return (f"{getattr(groups, '__qualname__', type(groups).__qualname__)}(…)",)
    return tuple(groups)


def _shape_of_key(key: str | Callable[..., str] | None) -> str:
    """Another way to name values is another set of names: releases run side by side."""
    return fingerprint_of_function(key) if callable(key) else str(key)


def _invalidate(definition: Definition, ident: Any) -> None:
    from ..invalidation import invalidate_groups

    invalidate_groups(_own_group(definition, ident))


def _own_group(definition: Definition, ident: Any) -> str:
    """A group that holds one value alone; short and without blanks, as headers want it."""
    return f"data:{digest([definition.key(ident)])}"
