"""What an error says about the node that raised it: pure.

psycopg2 loses the SQLSTATE when the link breaks, and connecting to a server that is full or still
starting has none in either driver, so the message and "is the link closed?" count as well.
SQLSTATEs: PostgreSQL manual, appendix A.
"""

import re
from dataclasses import dataclass
from enum import Enum


class Failure(Enum):
    """Why a node could not answer; the value is the word in logs and metrics."""

    REFUSED = "refused"
    NO_SUCH_HOST = "no-such-host"
    TIMED_OUT = "timed-out"
    HUNG = "hung"
    SLOW = "slow"
    BROKEN = "broken"
    SHUTTING_DOWN = "shutting-down"
    STARTING = "starting"
    TOO_MANY_CLIENTS = "too-many-clients"
    CONFLICT = "recovery-conflict"
    EXHAUSTED = "exhausted"
    STALE_SCHEMA = "stale-schema"
    UNUSABLE = "unusable"
    PROMOTED = "promoted"
    READ_ONLY = "read-only"

    @property
    def is_definitive(self) -> bool:
        """Does one such failure say that the node is out, so that nobody else need try?"""
        return self in _DEFINITIVE

    @property
    def is_counted(self) -> bool:
        """Is it the node's fault? A conflict or a slow query is not."""
        return self not in _BLAMELESS

    @property
    def breaks_link(self) -> bool:
        """Is the connection of no further use?"""
        return self not in _LINK_SURVIVES


_DEFINITIVE = frozenset(
    {
        Failure.REFUSED,
        Failure.NO_SUCH_HOST,
        Failure.TIMED_OUT,
        Failure.HUNG,
        Failure.SHUTTING_DOWN,
        Failure.STARTING,
        Failure.TOO_MANY_CLIENTS,
        Failure.UNUSABLE,
    }
)
_BLAMELESS = frozenset(
    {
        Failure.CONFLICT,
        Failure.STALE_SCHEMA,
        Failure.SLOW,
        Failure.PROMOTED,
        Failure.READ_ONLY,
    }
)
_LINK_SURVIVES = frozenset(
    {Failure.CONFLICT, Failure.STALE_SCHEMA, Failure.EXHAUSTED, Failure.READ_ONLY}
)


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known about an error."""

    sqlstate: str | None
    message: str
    is_connecting: bool = False
    is_link_closed: bool = False


_BY_SQLSTATE = {
    "57P01": Failure.SHUTTING_DOWN,  # admin_shutdown; see _refined for a single backend's end
    "57P02": Failure.SHUTTING_DOWN,  # crash_shutdown
    "57P03": Failure.STARTING,  # cannot_connect_now
    "53300": Failure.TOO_MANY_CLIENTS,
    "25006": Failure.READ_ONLY,
    # A replica that has not replayed the newest migration; the primary knows better.
    "42P01": Failure.STALE_SCHEMA,
    "42703": Failure.STALE_SCHEMA,
}
_BY_CLASS = {
    "08": Failure.BROKEN,  # connection exception
    "53": Failure.EXHAUSTED,  # disk full, out of memory
    "58": Failure.EXHAUSTED,  # system error outside PostgreSQL, e.g. I/O
}
_BY_MESSAGE = (
    (r"is starting up|not yet accepting|accepting connections|in recovery mode", Failure.STARTING),
    (r"is shutting down", Failure.SHUTTING_DOWN),
    (r"too many clients|remaining connection slots|too many connections|no more connections"
     r"|max_client_conn", Failure.TOO_MANY_CLIENTS),
    (r"could not translate host name|name or service not known|name resolution"
     r"|nodename nor servname|failed to resolve host|no address associated", Failure.NO_SUCH_HOST),
    (r"connection refused|no route to host|network is unreachable|no such file or directory"
     r"|host is down", Failure.REFUSED),
    (r"timeout expired|timed out|couldn't get a connection", Failure.TIMED_OUT),
    (r"conflict with recovery", Failure.CONFLICT),
    (r"server closed the connection|connection (?:was )?reset|broken pipe|terminating connection"
     r"|connection not open|connection is closed|connection already closed|the connection is lost"
     r"|connection is lost|no connection to the server|could not receive data|eof detected"
     r"|could not send data|consuming input failed|sending query failed|server conn crashed"
     r"|pool .*closed|server_login_retry|query_wait_timeout|lost synchronization",
     Failure.BROKEN),
)  # fmt: skip
_MESSAGES = tuple((re.compile(pattern, re.IGNORECASE), kind) for pattern, kind in _BY_MESSAGE)


def classify(facts: Facts) -> Failure | None:
    """Name the failure, or None when the node is fine and the query itself was wrong."""
    by_code = _by_sqlstate(facts)
    if by_code is not None:
        return by_code
    if facts.sqlstate is not None and not facts.is_link_closed and not facts.is_connecting:
        return None
    for pattern, failure in _MESSAGES:
        if pattern.search(facts.message):
            return failure
    if facts.is_link_closed:
        return Failure.BROKEN
    # Not even a connection, for a reason we do not know (a wrong password, no such database).
    return Failure.UNUSABLE if facts.is_connecting else None


def _by_sqlstate(facts: Facts) -> Failure | None:
    code = facts.sqlstate
    if code is None:
        return None
    # 40001 and 40P01 are a replica's replay cancelling a query only if they say so; else they
    # are the transaction's own business.
    if code in {"40001", "40P01"}:
        return Failure.CONFLICT if "recovery" in facts.message.lower() else None
    # pg_terminate_backend() and a server that stops send the same code: while the link was in
    # use it is one link's end, and connecting again will tell.
    if code == "57P01" and not facts.is_connecting:
        return Failure.BROKEN
    return _BY_SQLSTATE.get(code) or _BY_CLASS.get(code[:2])
