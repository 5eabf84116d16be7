"""What an error says about the place where it happened, told to whom it concerns."""

from django.db import Error, OperationalError
from django.db.backends.base.base import BaseDatabaseWrapper

from ...cluster import Cluster
from ...failures import Failure, classify
from ...primary import heal, is_broken
from .connections import Connections
from .driver import facts_of
from .link import Link, Place


class FallbackLimited(OperationalError):
    """The primary already stands in for as many reads as the limit allows."""


class NodePromoted(OperationalError):
    """A host of REPLICAS takes writes now: it is no replica any more."""


def diagnose(db: Connections, cluster: Cluster, place: Place, error: Error) -> Failure | None:
    """Name the failure and have the cluster (or the primary's link) take note of it.

    None when the node is fine and the query itself was wrong.
    """
    if isinstance(place, Link):
        return _diagnose_link(db, cluster, place, error)
    return _diagnose_primary(db.primary, cluster, error)


def diagnose_connecting(cluster: Cluster, name: str, error: Error) -> None:
    """Take note of a node that could not be connected to."""
    if isinstance(error, NodePromoted):
        failure = Failure.PROMOTED
    else:
        facts = facts_of(error, None, is_connecting=True)
        failure = (facts and classify(facts)) or Failure.UNUSABLE
    cluster.failed(name, failure, one_line(error))


def one_line(error: BaseException) -> str:
    """The error's text without line breaks, for logs."""
    return " ".join(str(error).split())


def _diagnose_link(db: Connections, cluster: Cluster, link: Link, error: Error) -> Failure | None:
    if link.fuse.is_blown:
        failure: Failure | None = Failure.SLOW
        cluster.abandon(link.name, link.pid)
    else:
        facts = facts_of(error, link.connection)
        failure = classify(facts) if facts else None
    if failure is None:
        return None
    cluster.failed(link.name, failure, one_line(error))
    # Inside a transaction the link is Django's to close, when `atomic` ends.
    if failure.breaks_link and not db.in_transaction:
        db.discard(link)
    return failure


def _diagnose_primary(
    primary: BaseDatabaseWrapper, cluster: Cluster, error: Error
) -> Failure | None:
    if isinstance(error, FallbackLimited):
        return Failure.EXHAUSTED
    facts = facts_of(error, primary.connection, is_connecting=primary.connection is None)
    failure = classify(facts) if facts else None
    if failure is Failure.STALE_SCHEMA:
        return None  # the primary knows: the table is really not there
    if failure is not None:
        is_definitive = primary.connection is None
        cluster.primary_health.failed(one_line(error), is_definitive=is_definitive)
        if is_broken(primary):
            heal(primary, "broken")
    return failure
