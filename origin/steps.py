"""The vocabulary of flows: what the middleware is asked to do next, in its own way of running.

A flow is a generator that yields steps and is sent their results; the same flow runs under WSGI
and under ASGI.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any, TypeAlias

from django.http import HttpRequest, HttpResponseBase

from .passes import TwoPass
from .second_pass import Plan


@dataclass(frozen=True, slots=True)
class Run:
    """Run the middleware stack below ours; gives its response.

    `min_lsn`: the position that the database must have reached.
    """

    request: HttpRequest
    state: TwoPass
    min_lsn: str | None = None


@dataclass(frozen=True, slots=True)
class Work:
    """Call a function that may block (caches, sessions, templates); gives what it returns."""

    function: Callable[[], Any]


@dataclass(frozen=True, slots=True)
class Collect:
    """Render what a plan still holds; gives its messages."""

    plan: Plan


Step: TypeAlias = Run | Work | Collect
Flow: TypeAlias = Generator[Step, Any, HttpResponseBase]
