"""What a declaration says: where values come from, what they are called, what they depend on."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias
from weakref import WeakValueDictionary

from . import keys
from .policy import Policy

Load: TypeAlias = Callable[[Sequence[Any]], Mapping[Any, Any]]
ALoad: TypeAlias = Callable[[Sequence[Any]], Awaitable[Mapping[Any, Any]]]


@dataclass(frozen=True, slots=True, weakref_slot=True, eq=False)
class Definition:
    """A kind of cached values. An *ident* names one of them: any hashable value.

    `load` gives the values of many idents at once, and leaves out those that there are none of;
    `groups` those of an ident before anything is read, `groups_of` those that show in the value.
    """

    label: str
    schema: str
    policy: Policy
    name_of: Callable[[Any], str]
    groups: Callable[[Any], tuple[str, ...]]
    load: Load | None = None
    aload: ALoad | None = None
    groups_of: Callable[[Any, Any], tuple[str, ...]] = lambda ident, value: ()
    keeps_missing: Callable[[Any], bool] = lambda ident: False
    """Whether "there is none" may be stored: only where whoever makes one purges a group of it."""
    may_refresh: bool = True
    """Whether another thread may load it, with the same outcome (stale-while-revalidate)."""
    shown_groups: tuple[str, ...] = ()
    """The groups as they are declared, with their placeholders: for people."""

    def __post_init__(self) -> None:
        _declared[self.label] = self

    def key(self, ident: Any) -> str:
        """The name of an entry."""
        return keys.entry_key(self.label, self.schema, self.name_of(ident))


_declared: Final[WeakValueDictionary[str, Definition]] = WeakValueDictionary()


def declared() -> list[Definition]:
    """Every declaration of this process, the latest of each name."""
    return list(_declared.values())
