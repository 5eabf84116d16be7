"""What is read while something is made: its groups and ages belong to what is made of it.

A value that a cached function reads is part of the function's own value, and of the page that
shows it; so groups and the strictest age go up, as cacheability bubbles in Drupal's render tree.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextvars import ContextVar
from dataclasses import dataclass, field

from .. import passes
from .bypassing import without_levels
from .policy import strictest
from .readings import Reading
from .request_layer import of_page

LEAST_AGE = 1.0
"""Seconds that a page with a stale value in it is fresh: it is being loaded anew just now."""


@dataclass(slots=True, eq=False)
class Collector:
    """What was read while one thing was made."""

    readings: list[Reading] = field(default_factory=list)
    groups: dict[str, None] = field(default_factory=dict)
    left: float | None = None

    def add(self, reading: Reading) -> None:
        """One value more."""
        self.readings.append(reading)
        self.groups.update(dict.fromkeys(reading.groups))
        self.left = strictest((self.left, reading.left))


_observer: ContextVar[list[Reading] | None] = ContextVar("twopass_datacache_observer", default=None)
_collector: ContextVar[Collector | None] = ContextVar("twopass_datacache_collector", default=None)


@contextlib.contextmanager
def collecting() -> Iterator[Collector]:
    """Collect what is read inside; it does not reach what surrounds it by itself."""
    collector = Collector()
    token = _collector.set(collector)
    try:
        yield collector
    finally:
        _collector.reset(token)


@contextlib.contextmanager
def contained() -> Iterator[Collector]:
    """As `collecting`, with what the page around it is told meanwhile of groups and ages."""
    page = passes.current()
    with collecting() as collector:
        if page is None:
            yield collector
            return
        outer, page.groups = page.groups, {}
        age, page.max_age = page.max_age, None
        try:
            yield collector
        finally:
            collector.groups.update(page.groups)
            collector.left = strictest((collector.left, page.max_age))
            page.groups, page.max_age = outer, age


def is_watched() -> bool:
    """Whether anything is being made that what is read becomes part of."""
    return _collector.get() is not None or passes.current() is not None


def note(reading: Reading) -> None:
    """`reading` is part of what is being made here and now: a cached value, else a page."""
    collector = _collector.get()
    if collector is not None:
        collector.add(reading)
        return
    page = passes.current()
    if page is not None:
        page.add_groups(*reading.groups)
        left = reading.left
        page.limit_age(None if left is None else max(left, LEAST_AGE))
        of_page(page).readings.append(reading)
        observed = _observer.get()
        if observed is not None:
            observed.append(reading)


@contextlib.contextmanager
def observing() -> Iterator[list[Reading]]:
    """What pages that are made inside read, for reports: loaded anew, so that all of it shows."""
    observed: list[Reading] = []
    token = _observer.set(observed)
    try:
        with without_levels():
            yield observed
    finally:
        _observer.reset(token)
