"""Run a query where it is, and on another node when that one fails."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from django.db import Error, OperationalError

from ... import metrics
from ...cluster import Cluster, describe
from ...deadline import Extend, asked_deadline
from ...failures import Failure
from .connections import Connections, Movable
from .diagnosis import FallbackLimited, diagnose, one_line
from .link import Link, Place, Reason
from .places import Places

logger = logging.getLogger("dbrouting")

T = TypeVar("T")


class NoNodeLeft(OperationalError):
    """No replica answered, nor could the primary stand in; names every node."""


class Failover:
    """The failover of one thread's connections."""

    def __init__(self, db: Connections, cluster: Cluster, places: Places) -> None:
        self._db = db
        self._cluster = cluster
        self._places = places

    def run(self, cursor: Movable, run: Callable[[], T], again: Callable[[], T]) -> T:
        """Call `run`; should the node fail, move the cursor and call `again`.

        Raises Django's own error, naming the node, inside a transaction or when the query itself
        is wrong; NoNodeLeft when nothing is left to try.
        """
        place = cursor.place
        try:
            if isinstance(place, Link):
                return self._on_link(place, run, is_patient=self._db.in_transaction)
            return self._on_primary(place, run)
        except Error as error:
            failure = diagnose(self._db, self._cluster, place, error)
            if failure is None:
                raise
            if self._db.in_transaction or failure is Failure.READ_ONLY:
                raise self._named(error, place, failure)  # noqa: B904 - the same error
            return self._elsewhere(cursor, again, place, failure, error)

    def fetch(self, cursor: Movable, fetch: Callable[[], T]) -> T:
        """Fetch more rows: within the deadline, but nowhere else."""
        place = cursor.place
        try:
            if isinstance(place, Link):
                return self._on_link(place, fetch, is_patient=True, is_query=False)
            return fetch()
        except Error as error:
            failure = diagnose(self._db, self._cluster, place, error)
            if failure is None:
                raise
            raise self._named(error, place, failure)  # noqa: B904 - the same error

    def _elsewhere(
        self,
        cursor: Movable,
        again: Callable[[], T],
        place: Place,
        failure: Failure,
        error: Error,
    ) -> T:
        tried = {place.name} if isinstance(place, Link) else set()
        is_patient = failure is Failure.SLOW
        if is_patient:
            # Was it the query, or a link that something between us forgot? On new links it can
            # only be the query, and that is worth waiting for.
            self._db.discard_all()
        reason = Reason.STALE_SCHEMA if failure is Failure.STALE_SCHEMA else None
        for candidate in self._places.all(tried, reason):
            self._announce(place, candidate, failure)
            try:
                return self._attempt(cursor, candidate, again, is_patient=is_patient)
            except Error as next_error:
                next_failure = diagnose(self._db, self._cluster, candidate, next_error)
                if next_failure is None:
                    raise
                place, failure, error = candidate, next_failure, next_error
                is_patient = is_patient or failure is Failure.SLOW
                if isinstance(candidate, Link):
                    tried.add(candidate.name)
        metrics.count(metrics.REJECTED, alias=self._cluster.alias)
        if reason is not None:
            raise error
        raise self.nothing_left(error) from error

    def _attempt(
        self, cursor: Movable, place: Place, again: Callable[[], T], *, is_patient: bool
    ) -> T:
        if isinstance(place, Link):
            self._db.use(place)
            with self._db.wrap_database_errors:
                cursor.move(place, self._db.create_cursor(cursor.name))
            return self._on_link(place, again, is_patient=is_patient)

        def move_and_run() -> T:
            cursor.move(place, self._db.create_primary_cursor(cursor.name))
            return again()

        return self._on_primary(place, move_and_run)

    def _on_primary(self, reason: Reason, run: Callable[[], T]) -> T:
        with self._slot(reason):
            result = run()
        self._cluster.primary_health.succeeded()
        return result

    def _on_link(
        self, link: Link, run: Callable[[], T], *, is_patient: bool, is_query: bool = True
    ) -> T:
        settings = self._cluster.settings
        seconds = asked_deadline() or settings.deadline
        link.fuse.light(seconds, self._while_answering(link, seconds) if is_patient else None)
        try:
            result = run()
        finally:
            link.fuse.put_out()
        self._cluster.succeeded(link.name)
        if is_query:
            self._cluster.count_query(link.name)
        return result

    def _while_answering(self, link: Link, seconds: float) -> Extend:
        """Wait on for a slow query (not for a hung node), up to the limit of all queries."""
        limit = self._cluster.settings.slow_query_limit
        waited = seconds

        def extend() -> bool:
            nonlocal waited
            waited += seconds
            is_allowed = limit is None or waited <= limit
            return is_allowed and self._cluster.is_answering(link.name)

        return extend

    @contextmanager
    def _slot(self, reason: Reason) -> Iterator[None]:
        """A place in the limited number of reads that the primary serves for replicas."""
        if not reason.is_limited:
            metrics.count(metrics.FALLBACKS, reason=reason.value)
            yield
            return
        with self._cluster.limit.slot() as is_admitted:
            if not is_admitted:
                raise FallbackLimited(
                    "the primary already serves as many replica reads as"
                    " DBROUTING['FALLBACK_CONCURRENCY'] and ['FALLBACK_RATE'] allow"
                )
            metrics.count(metrics.FALLBACKS, reason=reason.value)
            yield

    def _announce(self, failed: Place, place: Place, failure: Failure) -> None:
        source = failed.name if isinstance(failed, Link) else "the primary"
        target = place.name if isinstance(place, Link) else "the primary"
        metrics.count(metrics.RETRIES, node=source)
        level = logging.WARNING if failure is Failure.SLOW else logging.INFO
        hint = (
            "; if it is a slow query, not a hung link, give it dbrouting.query_deadline()"
            if failure is Failure.SLOW
            else ""
        )
        logger.log(
            level, "query moved from %s to %s (%s)%s", source, target, failure.value, hint,
            extra={"node": source, "failure": failure.value},
        )  # fmt: skip

    def _named(self, error: Error, place: Place, failure: Failure) -> Error:
        """Django's own error, with the node in its text."""
        name = place.name if isinstance(place, Link) else "the primary"
        hint = (
            "; replicas take no writes and no locks: use the primary's alias"
            if failure is Failure.READ_ONLY
            else ""
        )
        error.args = (f"{str(error).strip()} (node {name}, {failure.value}{hint})",)
        return error

    def nothing_left(self, error: Error | None) -> NoNodeLeft:
        """The error when no place is left: names the nodes, their state, and what failed last."""
        nodes = "; ".join(
            f"{s.node.name} is {describe(s)}" + (f" ({s.last_failure})" if s.last_failure else "")
            for s in self._cluster
        )
        detail = one_line(error) if error else self._cluster.primary_health.last_failure
        last = f" The primary: {detail}." if detail else ""
        policy = f"FALLBACK is {self._cluster.settings.fallback!r}"
        return NoNodeLeft(f"no node can serve this read: {nodes or 'no replicas'}; {policy}.{last}")
