"""The request level: a dict that lives with the request, which so sees one value of each thing."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from itertools import islice
from typing import Final

from .. import passes
from .process_layer import Held
from .readings import Reading

MAX_VALUES: Final = 10_000


@dataclass(slots=True, eq=False)
class RequestLevel:
    """The level that lives with a request: values by key, and what its page was made of."""

    values: dict[str, Held] = field(default_factory=dict)
    readings: list[Reading] = field(default_factory=list)
    caught_up: bool = False
    """Whether this request knows of every invalidation that was there when it began."""

    def keep(self, found: Mapping[str, Held]) -> None:
        """Keep values by key; the oldest make room, for a task may read everything there is."""
        self.values.update(found)
        for key in list(islice(self.values, max(0, len(self.values) - MAX_VALUES))):
            self.values.pop(key, None)


_level: ContextVar[RequestLevel | None] = ContextVar("twopass_datacache_request", default=None)


def of_page(page: passes.TwoPass) -> RequestLevel:
    """The level of a pass of our middleware."""
    if page.data is None:
        page.data = RequestLevel()
    level: RequestLevel = page.data
    return level


def request_level() -> RequestLevel | None:
    """The level here and now; None outside of a request and of `request_cache`."""
    level = _level.get()
    if level is not None:
        return level
    page = passes.current()
    return None if page is None else of_page(page)


@contextlib.contextmanager
def request_cache() -> Iterator[RequestLevel]:
    """A request level for what is no request of our middleware: a task, a command, a test."""
    level = RequestLevel()
    token = _level.set(level)
    try:
        yield level
    finally:
        _level.reset(token)
