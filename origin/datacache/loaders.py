"""Loaders: many values of a kind at once. One pipeline to Redis, one query for what is missing.

class Ratings(Loader[int, Decimal]):
    max_age = 600
    groups = ("product:{key}",)

    def load(self, keys):
        return dict(Review.objects.filter(product__in=keys)…)

ratings = Ratings()
ratings.get(42), ratings.get_many([1, 2, 3])
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Iterable, Mapping, Sequence
from typing import Any, ClassVar, Generic, TypeVar, cast

from asgiref.sync import iscoroutinefunction

from . import driving
from .definition import Definition
from .fast_path import at_hand
from .keys import argument_ident, formatted
from .missing import MISSING
from .policy import Policy
from .schema import digest, fingerprint_of_class, fingerprint_of_function

K = TypeVar("K")
V = TypeVar("V")


class Loader(Generic[K, V]):
    """Values by key. A subclass says how they are loaded and what they depend on.

    `max_age` and `stale` in seconds; `groups` hold `{key}`; `version` parts other shapes.
    """

    max_age: ClassVar[float] = 300.0
    stale: ClassVar[float] = 0.0
    groups: ClassVar[Sequence[str]] = ()
    version: ClassVar[str | int] = ""
    keeps_missing: ClassVar[bool] = False
    """Store that there is no value too; only where whoever makes one purges its groups."""

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if len(inspect.signature(cls.__init__).parameters) > 1:
            raise TypeError(
                f"{cls.__name__}.__init__ takes arguments, and no key would tell the values of two "
                "instances apart: let each key of load(keys) say all that its value depends on"
            )

    def __init__(self) -> None:
        if isinstance(self.groups, str):
            raise TypeError(f"{type(self).__name__}.groups is a list of names")
        self.definition = self.define()

    def load(self, keys: Sequence[K]) -> Mapping[K, V] | Awaitable[Mapping[K, V]]:
        """The values of `keys`, in one query; those that there are none of are left out.

        It may be an `async def`.
        """
        raise NotImplementedError(f"{type(self).__name__} has no load(keys)")

    def groups_of(self, key: K, value: V) -> Iterable[str]:
        """Groups beside `groups`, which show in a value."""
        return ()

    def schema(self) -> str:
        """The shape of values."""
        held = fingerprint_of_class(type(self))
        return digest([fingerprint_of_function(self.load, str(self.version)), held])

    def define(self) -> Definition:
        """What the levels are told."""
        load: Any = self.load
        is_async = iscoroutinefunction(load)
        return Definition(
            label=f"{type(self).__module__}.{type(self).__qualname__}",
            schema=self.schema(),
            policy=Policy(self.max_age, self.stale),
            name_of=_name_of,
            groups=self.groups_of_key,
            shown_groups=tuple(self.groups),
            load=None if is_async else load,
            aload=load if is_async else None,
            groups_of=lambda key, value: tuple(self.groups_of(key, value)),
            keeps_missing=lambda key: self.keeps_missing,
        )

    def groups_of_key(self, key: K) -> tuple[str, ...]:
        """The groups that are known before anything is loaded."""
        return tuple(formatted(name, {"key": key}, "group") for name in self.groups)

    def get(self, key: K) -> V | None:
        """One value; None if there is none."""
        value = at_hand(self.definition.label, self.definition.key(key), key, MISSING)
        if value is not MISSING:
            return cast(V, value)
        return cast("V | None", driving.read(self.definition, (key,)).get(key))

    async def aget(self, key: K) -> V | None:
        """As `get`, in an event loop."""
        return (await driving.aread(self.definition, (key,))).get(key)

    def get_many(self, keys: Iterable[K]) -> dict[K, V]:
        """The values of several keys, in their order, without those that there are none of."""
        wanted = list(dict.fromkeys(keys))
        found = driving.read(self.definition, wanted) if wanted else {}
        return {key: found[key] for key in wanted if key in found}

    async def aget_many(self, keys: Iterable[K]) -> dict[K, V]:
        """As `get_many`, in an event loop."""
        wanted = list(dict.fromkeys(keys))
        found = await driving.aread(self.definition, wanted) if wanted else {}
        return {key: found[key] for key in wanted if key in found}

    def invalidate(self, *keys: K) -> None:
        """Drop the groups of these keys, when the transaction commits."""
        from ..invalidation import invalidate_groups

        invalidate_groups(*{name for key in keys for name in self.groups_of_key(key)})


def _name_of(key: Any) -> str:
    """A name for a key: that of "key=1" is not that of 1, whoever may choose texts."""
    if type(key) is str:
        return f"={key}"
    return f"key={key}" if type(key) is int else argument_ident({"key": key})
