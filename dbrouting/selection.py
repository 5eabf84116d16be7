"""Which node serves a read: pure.

A `Rotation` is computed once per change of what is known about the nodes and then read by every
query, so that choosing costs a list index. The least-bad rule, when no node is in rotation or
none has replayed what the read needs, is `LEAST_BAD`, tried from left to right.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum


class Strategy(Enum):
    """How reads are spread over the nodes in rotation."""

    ROUND_ROBIN = "round-robin"
    LEAST_LAG = "least-lag"


class Resort(Enum):
    """A step of the least-bad rule."""

    ROTATION = "a node in rotation"
    PRIMARY = "the primary, if the policy and its limit allow it"
    STALE = "the node that is least behind, although beyond the bound"
    SUSPECT = "the node whose breaker probes soonest"
    NOTHING = "nothing: an error that names every node"


# With a minimum position, STALE and SUSPECT still ask the node whether it has replayed it: a
# visitor rather gets an error than a page without their own order on it.
LEAST_BAD = (Resort.ROTATION, Resort.PRIMARY, Resort.STALE, Resort.SUSPECT, Resort.NOTHING)


@dataclass(frozen=True, slots=True)
class Candidate:
    """What selection needs to know about a node."""

    name: str
    weight: int = 1
    zone: str = ""
    lag_seconds: float = 0.0
    is_closed: bool = True
    is_within_bounds: bool = True
    is_replica: bool = True
    next_probe_at: float = 0.0

    @property
    def is_in_rotation(self) -> bool:
        """Closed breaker, close enough to the primary, and still a replica."""
        return self.is_closed and self.is_within_bounds and self.is_replica


@dataclass(frozen=True, slots=True)
class Rotation:
    """The order in which nodes are tried; only `cycle` turns."""

    cycle: tuple[str, ...] = ()
    reserve: tuple[str, ...] = ()
    stale: tuple[str, ...] = ()
    suspect: tuple[str, ...] = ()
    members: frozenset[str] = field(default_factory=frozenset)

    def in_turn(self, turn: int) -> tuple[str, ...]:
        """Nodes in rotation, each once, beginning with the one whose turn it is."""
        if not self.cycle:
            return self.reserve
        start = turn % len(self.cycle)
        ahead = self.cycle[start:] + self.cycle[:start]
        return tuple(dict.fromkeys(ahead + self.reserve))

    def first(self, turn: int) -> str | None:
        """The node whose turn it is, or None when none is in rotation."""
        if self.cycle:
            return self.cycle[turn % len(self.cycle)]
        return None


def rotate(
    candidates: Sequence[Candidate],
    strategy: Strategy = Strategy.ROUND_ROBIN,
    *,
    zone: str = "",
    previous: str | None = None,
    lag_tolerance: float = 0.05,
) -> Rotation:
    """Compute the rotation.

    Nodes of another `zone` are the reserve while our own has any in rotation. With LEAST_LAG the
    `previous` node keeps its place until another is ahead by more than `lag_tolerance` seconds.
    """
    usable = [c for c in candidates if c.is_in_rotation and c.weight > 0]
    near = [c for c in usable if not zone or c.zone == zone] or usable
    far = tuple(c.name for c in usable if c not in near)
    # Weight 0 means "only when nothing else is left", ahead of another zone's nodes never.
    spare = tuple(c.name for c in candidates if c.is_in_rotation and c.weight == 0)
    stale = [c for c in candidates if c.is_closed and c.is_replica and not c.is_within_bounds]
    suspect = [c for c in candidates if not c.is_closed]
    if strategy is Strategy.LEAST_LAG:
        ordered = _by_lag(near, previous, lag_tolerance)
        cycle, far = ordered[:1], ordered[1:] + far
    else:
        cycle = _weighted(near)
    return Rotation(
        cycle=cycle or spare,
        reserve=far + spare if cycle else (),
        stale=tuple(c.name for c in sorted(stale, key=lambda c: c.lag_seconds)),
        suspect=tuple(c.name for c in sorted(suspect, key=lambda c: c.next_probe_at)),
        members=frozenset(c.name for c in candidates if c.is_in_rotation),
    )


def _by_lag(
    candidates: Sequence[Candidate], previous: str | None, tolerance: float
) -> tuple[str, ...]:
    def rank(candidate: Candidate) -> float:
        bonus = tolerance if candidate.name == previous else 0.0
        return candidate.lag_seconds - bonus

    return tuple(c.name for c in sorted(candidates, key=rank))


def _weighted(candidates: Sequence[Candidate]) -> tuple[str, ...]:
    """Smooth weighted round robin: weights 3 and 1 give a a b a, not a a a b."""
    total = sum(c.weight for c in candidates)
    credit = {c.name: 0 for c in candidates}
    cycle = []
    for _ in range(total):
        for c in candidates:
            credit[c.name] += c.weight
        chosen = max(credit, key=lambda name: credit[name])
        credit[chosen] -= total
        cycle.append(chosen)
    return tuple(cycle)
