"""What the drivers say when a node fails, and what it is called here."""

import pytest

from dbrouting.failures import Facts, Failure, classify

# Messages as PostgreSQL 15, psycopg2 2.9 and psycopg 3.3 print them.
CLOSED_UNEXPECTEDLY = (
    "server closed the connection unexpectedly\n\tThis probably means the server terminated"
    " abnormally\n\tbefore or while processing the request.\n"
)


@pytest.mark.parametrize(
    ("facts", "failure"),
    [
        (Facts("57P01", "terminating connection", is_link_closed=True), Failure.BROKEN),
        (Facts("57P01", "terminating", is_connecting=True), Failure.SHUTTING_DOWN),
        (Facts("57P03", "the database system is starting up", True), Failure.STARTING),
        (Facts("53300", "sorry, too many clients already", True), Failure.TOO_MANY_CLIENTS),
        (Facts("53100", "could not extend file: disk full"), Failure.EXHAUSTED),
        (Facts("58030", "could not read block"), Failure.EXHAUSTED),
        (Facts("08006", "connection failure"), Failure.BROKEN),
        (Facts("25006", "cannot execute UPDATE in a read-only transaction"), Failure.READ_ONLY),
        (Facts("40001", "canceling statement due to conflict with recovery"), Failure.CONFLICT),
        (Facts("40P01", "deadlock: conflict with recovery"), Failure.CONFLICT),
        (Facts("42P01", 'relation "x" does not exist'), Failure.STALE_SCHEMA),
        (Facts(None, CLOSED_UNEXPECTEDLY, is_link_closed=True), Failure.BROKEN),
        (Facts(None, "consuming input failed: server closed the connection"), Failure.BROKEN),
        (Facts(None, "the connection is closed", is_link_closed=True), Failure.BROKEN),
        (Facts(None, "what nobody has seen yet", is_link_closed=True), Failure.BROKEN),
        (
            Facts(None, "FATAL:  the database system is starting up", is_connecting=True),
            Failure.STARTING,
        ),
        (
            Facts(None, "FATAL:  the database system is not yet accepting connections", True),
            Failure.STARTING,
        ),
        (Facts(None, "FATAL: the database system is shutting down", True), Failure.SHUTTING_DOWN),
        (Facts(None, "FATAL:  sorry, too many clients already", True), Failure.TOO_MANY_CLIENTS),
        (
            Facts(None, "FATAL:  remaining connection slots are reserved", True),
            Failure.TOO_MANY_CLIENTS,
        ),
        (
            Facts(None, 'could not translate host name "db9" to address', True),
            Failure.NO_SUCH_HOST,
        ),
        (Facts(None, "failed to resolve host 'db9': Name or service", True), Failure.NO_SUCH_HOST),
        (Facts(None, "port 5432 failed: Connection refused", True), Failure.REFUSED),
        (Facts(None, "connection timeout expired", True), Failure.TIMED_OUT),
        (Facts(None, "couldn't get a connection after 1.00 sec", True), Failure.TIMED_OUT),
        (Facts(None, "connecting timed out after 1 s", True), Failure.TIMED_OUT),
        (Facts("28P01", "password authentication failed", True), Failure.UNUSABLE),
        (Facts("3D000", 'database "shop" does not exist', True), Failure.UNUSABLE),
    ],
)
def test_failures_of_a_node(facts, failure):
    assert classify(facts) is failure


@pytest.mark.parametrize(
    "facts",
    [
        Facts("42601", "syntax error"),
        Facts("23505", "duplicate key value"),
        Facts("57014", "canceling statement due to statement timeout"),
        Facts("40001", "could not serialize access due to concurrent update"),
        Facts("40P01", "deadlock detected"),
        Facts("22012", "division by zero: the server closed the connection"),
        Facts(None, "can't adapt type 'object'"),
    ],
)
def test_mistakes_of_the_query_are_no_failures(facts):
    assert classify(facts) is None


@pytest.mark.parametrize("failure", list(Failure))
def test_what_trips_at_once_also_counts_and_breaks_the_link(failure):
    if failure.is_definitive:
        assert failure.is_counted
        assert failure.breaks_link


def test_neither_conflicts_nor_slow_queries_are_the_nodes_fault():
    assert not Failure.CONFLICT.is_counted
    assert not Failure.CONFLICT.breaks_link
    assert not Failure.SLOW.is_counted
