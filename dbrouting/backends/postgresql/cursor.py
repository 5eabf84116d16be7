"""Cursors that move to another node when theirs fails.

Moved are queries outside a transaction whose first row has not been delivered. Ordinary cursors
hold the whole result once `execute` returns; a server-side one (`iterator()`) may still be run
again until its first fetch has succeeded.
"""

from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from typing import Any, TypeVar

from django.db import Error
from django.db.backends.postgresql.base import CursorDebugWrapper
from django.db.backends.utils import CursorWrapper

from .django_parts import Database, PostgresCursor
from .failover import Failover
from .link import Place

T = TypeVar("T")


class FailoverMixin(PostgresCursor):
    """For Django's cursor wrappers: `_execute` and friends run where a node answers.

    `place` is where `self.cursor` lives.
    """

    db: Any  # the wrapper of `base`, which imports this module
    failover: Failover
    cursor: Any
    place: Place
    name: str | None

    def _execute(self, sql: Any, params: Any, *ignored: Any) -> Any:
        return self._run(partial(super()._execute, sql, params))

    def _executemany(self, sql: Any, param_list: Any, *ignored: Any) -> Any:
        params = list(param_list)  # an iterator could not be run again
        return self._run(partial(super()._executemany, sql, params))

    def callproc(self, procname: Any, params: Any = None, kparams: Any = None) -> Any:
        """Call a procedure; as for `execute`, on a node that answers."""
        return self._run(partial(super().callproc, procname, params, kparams))

    def _run(self, run: Callable[[], T]) -> T:
        return self.failover.run(self, run, run)

    def move(self, place: Place, cursor: Any) -> None:
        """Continue on another node."""
        with suppress(Error, Database.Error):  # its link may be gone
            self.cursor.close()
        self.place, self.cursor = place, cursor


class ServerSideMixin(FailoverMixin):
    """For named cursors, whose rows come by fetching."""

    _begin: Callable[[], Any] | None = None

    def __iter__(self) -> Iterator[Any]:
        while (row := self.fetchone()) is not None:
            yield row

    def __getattr__(self, attr: str) -> Any:
        found = super().__getattr__(attr)
        if not attr.startswith("fetch"):
            return found
        if self._begin is not None:
            return partial(self._first_fetch, attr)
        return lambda *args: self.failover.fetch(self, partial(found, *args))

    def _first_fetch(self, attr: str, *args: Any) -> Any:
        """Fetch; should that fail, run the query elsewhere and fetch there."""
        begin, self._begin = self._begin, None
        assert begin is not None

        def fetch() -> Any:
            return super(ServerSideMixin, self).__getattr__(attr)(*args)

        def begin_and_fetch() -> Any:
            begin()
            return fetch()

        return self.failover.run(self, fetch, begin_and_fetch)

    def _run(self, run: Callable[[], T]) -> T:
        self._begin = run
        return super()._run(run)


class FailoverCursor(FailoverMixin, CursorWrapper):
    """The cursor of everyday."""


class FailoverDebugCursor(FailoverMixin, CursorDebugWrapper):
    """The same, logging queries (DEBUG, assertNumQueries): one that moved is logged once."""


class ServerSideCursor(ServerSideMixin, CursorWrapper):
    """The cursor of `iterator()`."""


class ServerSideDebugCursor(ServerSideMixin, CursorDebugWrapper):
    """The same, logging queries."""


def cursor_class(*, is_named: bool, is_logged: bool) -> type[FailoverMixin]:
    """The class for a cursor."""
    if is_named:
        return ServerSideDebugCursor if is_logged else ServerSideCursor
    return FailoverDebugCursor if is_logged else FailoverCursor
