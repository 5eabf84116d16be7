"""A scenario: what is compared, who takes part, how one round is measured."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from .results import Goal, Measurement, Series

Target: TypeAlias = str
"""The base URL of a running contestant."""


Bounds: TypeAlias = tuple[float, float]
"""The least and the most that a metric may be."""

NEVER: Final[Bounds] = (0.0, 0.001)
"""Of something that a cache claims to keep away: at most once in a thousand pages."""


def each(times: float = 1.0) -> Bounds:
    """So often for each page; a tenth more, of pages that were under way when a round ended."""
    return 0.999 * times, 1.1 * times


class Unavailable(Exception):
    """A contestant that cannot run here; the message says what is missing and how to get it."""


@dataclass(frozen=True, slots=True)
class Contestant:
    """One side of a comparison.

    `start` runs it for as long as the context lasts and gives its base URL. Raises `Unavailable`.
    `claims` are metrics that must come out so in every round, or the run is refused.
    """

    name: str
    what: str
    start: Callable[[], AbstractContextManager[Target]]
    claims: Mapping[str, Bounds] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Scenario:
    """`measure(target, seconds)` is one round.

    `check(name, target)` raises RuntimeError for a contestant that does not do what it claims: a
    cache that never hits would be measured as something else. `series(target)`, asked for at the
    end, is what was sampled over time.
    """

    name: str
    what: str
    contestants: tuple[Contestant, ...]
    measure: Callable[[Target, float], Measurement]
    check: Callable[[str, Target], None]
    goals: tuple[Goal, ...] = ()
    seconds: float = 4.0
    rounds: int = 5
    series: Callable[[Target], Series] | None = None


class Registry(Mapping[str, Scenario]):
    """The scenarios by name, loaded when asked for: one with a missing package breaks no other."""

    def __init__(self, loaders: Mapping[str, Callable[[], Scenario]]) -> None:
        self._loaders = dict(loaders)

    def __getitem__(self, name: str) -> Scenario:
        return self._loaders[name]()

    def __iter__(self) -> Iterator[str]:
        return iter(self._loaders)

    def __len__(self) -> int:
        return len(self._loaders)
