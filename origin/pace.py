"""How long fragments take to render, as this process has seen it, and what is sent together.

Each piece of an answer that is sent by itself costs two system calls here, as many at the edge and
a change of processes at least. Four fragments of a quarter of a millisecond are not worth four.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, Generic, TypeVar

TOGETHER: Final = 0.003
"""Seconds for which what is rendered may wait for what is rendered next."""
KNOWN: Final = 20
"""Renderings in a row that must have been quick before another is expected to be."""
_FADING: Final = 0.8
"""What is left of the longest rendering's weight after another one."""

T = TypeVar("T")


class Pace:
    """Seconds that fragments took, by name. One slow rendering, and it counts as not known."""

    def __init__(self) -> None:
        self._seconds: dict[str, float] = {}
        self._quick: dict[str, int] = {}

    def learn(self, name: str, seconds: float) -> None:
        """A fragment has been rendered."""
        if seconds > TOGETHER:
            self._quick[name] = 0
            return
        self._quick[name] = self._quick.get(name, 0) + 1
        self._seconds[name] = max(seconds, self._seconds.get(name, 0.0) * _FADING)

    def expected(self, name: str) -> float:
        """Seconds it will probably take; infinite for one that is slow, or not known well."""
        return self._seconds[name] if self._quick.get(name, 0) >= KNOWN else math.inf


@dataclass(slots=True)
class Turn(Generic[T]):
    """What is rendered one after the other and then sent. `seconds`: expected of all of it."""

    items: list[T] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def is_quick(self) -> bool:
        """Whether what was there before may wait for it."""
        return self.seconds <= TOGETHER


def turns(items: Iterable[tuple[T, float]]) -> list[Turn[T]]:
    """Items, in order, with the seconds expected of each: as few turns as none has to wait."""
    found: list[Turn[T]] = []
    for item, seconds in items:
        if not found or found[-1].seconds + seconds > TOGETHER:
            found.append(Turn())
        found[-1].items.append(item)
        found[-1].seconds += seconds
    return found


PACE: Final = Pace()
"""This process's."""
