"""The steps of reading through the levels: what `flow` asks for, and a driver performs.

The flow is one generator for threads and for event loops; only drivers differ.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, TypeAlias

from .definition import Definition
from .shared_layer import Command


@dataclass(frozen=True, slots=True)
class Ask:
    """Send a pipeline to Redis; the answers, or None when it is away."""

    commands: Sequence[Command]


@dataclass(frozen=True, slots=True)
class Load:
    """Load from the database, at least as new as position `lsn`; a `Loaded`."""

    definition: Definition
    idents: Sequence[Any]
    lsn: int


@dataclass(frozen=True, slots=True)
class Pause:
    """Wait for so many seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Join:
    """Wait until another flight has landed, or for `timeout` seconds; its result, or None."""

    flight: Future[Any]
    timeout: float


@dataclass(frozen=True, slots=True)
class Refresh:
    """Load anew in the background what has been handed out, unless a value newer than `seen` is
    there by then: until when that one's load had begun, on `layers.now`."""

    definition: Definition
    ident: Any
    seen: float


Step: TypeAlias = Ask | Load | Pause | Join | Refresh
Flow: TypeAlias = Generator[Step, Any, Any]
