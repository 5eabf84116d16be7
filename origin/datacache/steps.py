"""The steps of reading through the levels: what `flow` asks for, and a driver performs.

The flow is one generator for threads and for event loops; only drivers differ.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, TypeAlias

from .definition import Definition
from .demand import NOTHING, Demand
from .lease import Landing
from .shared_layer import Command


@dataclass(frozen=True, slots=True)
class Ask:
    """Send a pipeline to Redis; the answers, or None when it is away."""

    commands: Sequence[Command]


@dataclass(frozen=True, slots=True)
class Deliver:
    """Tell Redis what it has not been told; whether it knows everything then."""


@dataclass(frozen=True, slots=True)
class Load:
    """Load from the database, as new as `demand` says at least; a `Loaded`."""

    definition: Definition
    idents: Sequence[Any]
    demand: Demand = NOTHING


@dataclass(frozen=True, slots=True)
class Pause:
    """Wait for so many seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Join:
    """Wait until another flight has landed, or for `timeout` seconds; its landing, or None."""

    flight: Future[Landing]
    timeout: float


@dataclass(frozen=True, slots=True)
class Refresh:
    """Load anew in the background what has been handed out, unless a value newer than `seen` is
    there by then: until when that one's load had begun, on `layers.now`."""

    definition: Definition
    ident: Any
    seen: float


Step: TypeAlias = Ask | Deliver | Load | Pause | Join | Refresh
Flow: TypeAlias = Generator[Step, Any, Any]
