"""Helpers for a project's tests.

Under Django's test runner the replica alias mirrors the primary's test database and shares its
connection: a TestCase reads from "replica" what it wrote, and `assertNumQueries(…,
using="replica")` counts the reads that would have left the primary.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connections
from django.test.utils import CaptureQueriesContext

from .conf import get_settings
from .units import Unit, unit


@contextmanager
def assert_reads_replica(minimum: int = 1) -> Iterator[CaptureQueriesContext]:
    """Fail with AssertionError unless the block reads from replicas `minimum` times at least."""
    with capture_replica_queries() as queries:
        yield queries
    if len(queries) < minimum:
        raise AssertionError(
            f"{len(queries)} queries went to replicas, {minimum} expected. Is the model declared"
            f" (reads_from_replica, DBROUTING['MODELS']), and was nothing written before?"
        )


@contextmanager
def assert_reads_primary() -> Iterator[CaptureQueriesContext]:
    """Fail with AssertionError if any query of the block goes to a replica."""
    with capture_replica_queries() as queries:
        yield queries
    if len(queries):
        listed = "\n".join(query["sql"] for query in queries.captured_queries)
        raise AssertionError(f"{len(queries)} queries went to replicas:\n{listed}")


@contextmanager
def capture_replica_queries() -> Iterator[CaptureQueriesContext]:
    """Django's CaptureQueriesContext for the replica alias."""
    with CaptureQueriesContext(connections[get_settings().replica]) as queries:
        yield queries


@contextmanager
def as_new_visitor() -> Iterator[Unit]:
    """A unit of work apart from what the test wrote before, as the next request is."""
    with unit() as started:
        yield started
