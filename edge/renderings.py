"""How long fragments take to render, learned by name from the frames that come."""

from __future__ import annotations

import functools
from collections.abc import Sequence

from edge.core.bundling import Rendered, Slowness, first_seen, who_held
from edge.store.bounded import BoundedMap
from fragments.errors import WireError
from fragments.include import Include
from fragments.signing import Keyring

_NAMES = 4096
"""Fragments remembered; a shop has tens."""


class Renderings:
    """One worker's knowledge; times in seconds of the caller's clock."""

    def __init__(self) -> None:
        self._known: BoundedMap[str, Slowness] = BoundedMap(_NAMES)

    def learn(self, frames: Sequence[Rendered], now: float) -> None:
        """Take in the frames of one bundle."""
        for frame, holds in zip(frames, who_held(frames), strict=True):
            known = self._known.get(frame.name)
            if known is None:
                known = first_seen(frame.took, holds, now)
            else:
                known = known.learned(frame.took, holds, now)
            self._known.set(frame.name, known)

    def holding(self, name: str, now: float) -> float:
        """Seconds for which that fragment keeps others waiting; 0: none, or unknown."""
        known = self._known.get(name)
        return 0.0 if known is None else known.holding(now)


@functools.lru_cache(maxsize=4096)
def name_of(token: bytes, keyring: Keyring) -> str:
    """What is asked for, whatever its arguments; empty for a token that is not ours."""
    try:
        include = Include.verify(token, keyring)
    except WireError:
        return ""
    return f"{include.kind}:{include.name}"
