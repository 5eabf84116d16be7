"""Who is reading, in which mood: the context of a read, carried by contextvars.

A *unit of work* is a request or a task: it keeps one node, and knows what it wrote and what its
visitor must see (the pin). Blocks (`replica_reads`, `primary_reads`, `first_pass_reads`,
`fresh_as_of`) nest inside it. Units are mutable and shared by the threads and asyncio tasks that
were started inside; blocks are values and end where they began.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from enum import Enum

from .lsn import parse_lsn


class Intent(Enum):
    """What the innermost block asks of reads."""

    DECLARED = "what models declare"
    REPLICA = "replicas for every model"
    PRIMARY = "the primary for every model"


class Unit:
    """One unit of work.

    `pin` is the position of the primary's log that its reads must have seen, `has_written` says
    that a write ran whose position is not in the pin yet, and `node` is where its reads go.
    """

    __slots__ = ("_late_pins", "has_written", "is_declared", "is_tracked", "node", "pin", "raised")

    def __init__(self, *, is_declared: bool = True) -> None:
        self.is_declared = is_declared
        self.is_tracked = True
        self.has_written = False
        self.raised = False
        self.pin = 0
        self.node: str | None = None
        self._late_pins: list[Callable[[], int]] = []

    def raise_pin(self, lsn: int) -> None:
        """Demand at least `lsn`; a pin never goes down."""
        if lsn > self.pin:
            self.pin = lsn

    def add_late_pin(self, read: Callable[[], int]) -> None:
        """Have `read()` asked for a pin before the first read from a replica (a session, say)."""
        self._late_pins.append(read)

    def required(self) -> int:
        """The position this unit's reads must have seen."""
        while self._late_pins:
            # Popped first: reading the session may itself ask the router.
            self.raise_pin(self._late_pins.pop()())
        return self.pin


_unit: ContextVar[Unit | None] = ContextVar("dbrouting_unit", default=None)
_intent: ContextVar[Intent] = ContextVar("dbrouting_intent", default=Intent.DECLARED)
_floor: ContextVar[int] = ContextVar("dbrouting_floor", default=0)

current_intent = _intent.get
current_floor = _floor.get


def current_unit() -> Unit:
    """The unit of work we are in; outside of any, one of this thread's or task's own."""
    unit = _unit.get()
    if unit is None:
        unit = Unit(is_declared=False)
        _unit.set(unit)
    return unit


def required_lsn() -> int:
    """The position that a read here and now must have seen, 0 for no demand."""
    unit = _unit.get()
    floor = _floor.get()
    return floor if unit is None else max(floor, unit.required())


@contextmanager
def unit(pin: int = 0) -> Iterator[Unit]:
    """Begin a unit of work, apart from any that surrounds it."""
    started = Unit()
    started.raise_pin(pin)
    with resume(started):
        yield started


@contextmanager
def resume(started: Unit) -> Iterator[None]:
    """Go on with a unit of work that was begun elsewhere (the body of a streamed response)."""
    token = _unit.set(started)
    try:
        yield
    finally:
        _unit.reset(token)


@contextmanager
def intent(wanted: Intent) -> Iterator[None]:
    """Route every model's reads in the block as `wanted`."""
    token = _intent.set(wanted)
    try:
        yield
    finally:
        _intent.reset(token)


@contextmanager
def floor(lsn: int | str | None) -> Iterator[None]:
    """Have reads in the block see at least `lsn`, whatever surrounds it demands."""
    token = _floor.set(max(_floor.get(), parse_lsn(lsn)))
    try:
        yield
    finally:
        _floor.reset(token)


@contextmanager
def untracked() -> Iterator[None]:
    """Ignore writes in the block: nobody needs to read them (view counters, beacons)."""
    unit = current_unit()
    before, unit.is_tracked = unit.is_tracked, False
    try:
        yield
    finally:
        unit.is_tracked = before
