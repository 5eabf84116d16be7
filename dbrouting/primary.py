"""The primary's alias, which keeps Django's own engine: what we watch and heal there.

An execute wrapper on its connections notes writes, replaces a link that broke, so that the very
next query works, and, when the server says that it no longer takes writes (25006: it was demoted
and has executed nothing), asks libpq for the new primary (`target_session_attrs`) and runs the
statement there. A link to a server on an older timeline than the newest seen is refused: that is
a primary that was replaced and does not know.
"""

import logging
import re
from collections.abc import Callable
from typing import Any

from django.db import Error, OperationalError, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created
from django.db.transaction import TransactionManagementError

from . import metrics
from .conf import get_settings
from .units import current_unit

logger = logging.getLogger("dbrouting")

# The insert position, not the flushed one: with synchronous_commit off a commit returns before
# its record is flushed, and the position must lie behind it in any case.
_LSN_SQL = "SELECT (pg_current_wal_insert_lsn() - '0/0')::bigint"
_ROLE_SQL = """
SELECT pg_is_in_recovery(),
       CASE WHEN NOT pg_is_in_recovery()
            THEN ('x' || substr(pg_walfile_name(pg_current_wal_insert_lsn()), 1, 8))::bit(32)::int
            ELSE 0 END
"""
_READ_ONLY = "25006"
_HARMLESS = ("SELECT", "SAVEPOINT", "RELEASE", "ROLLBACK", "SET", "SHOW", "FETCH", "DECLARE")
_WRITES = re.compile(r"\b(?:INSERT|UPDATE|DELETE|MERGE|INTO)\b", re.IGNORECASE)

_newest_timeline: Callable[[], int] = lambda: 0  # noqa: E731 - replaced by the registry


def follow_timeline(newest: Callable[[], int]) -> None:
    """Have the newest timeline known to this process asked from `newest`."""
    global _newest_timeline
    _newest_timeline = newest


def install() -> None:
    """Watch connections of the primary's alias from now on."""
    connection_created.connect(_on_connect, dispatch_uid="dbrouting.primary")


def note_write() -> None:
    """The current unit of work has written."""
    unit = current_unit()
    if unit.is_tracked:
        unit.has_written = True


def owns_reads(connection: BaseDatabaseWrapper) -> bool:
    """Is the primary's alias inside `atomic`, so that every read belongs to its transaction?

    The transaction that a TestCase wraps around a test does not count.
    """
    if not connection.in_atomic_block:
        return False
    return not all(getattr(block, "_from_testcase", False) for block in connection.atomic_blocks)


def current_lsn() -> int | None:
    """The primary's position now, so after every commit that has returned.

    None when the primary is not PostgreSQL. Raises TransactionManagementError inside `atomic`,
    where nothing is committed yet: call it from `transaction.on_commit`.
    """
    connection = connections[get_settings().primary]
    if connection.vendor != "postgresql":
        return None
    if owns_reads(connection):
        raise TransactionManagementError(
            "current_lsn() inside atomic is a position before the commit:"
            " call it from transaction.on_commit."
        )
    return int(_fetch(connection, _LSN_SQL)[0])


def writes(sql: object) -> bool:
    """May a statement write? Cautious: what is not known to read only, writes."""
    text = sql if isinstance(sql, str) else str(sql)
    head = text[:12].lstrip(" \n\t(").upper()
    if head.startswith(_HARMLESS):
        return head.startswith("SELECT") and " INTO " in text
    if head.startswith(("WITH", "EXPLAIN")):
        return _WRITES.search(text) is not None
    return True


def heal(connection: BaseDatabaseWrapper, reason: str) -> None:
    """Drop the link, so that the next query opens a new one."""
    metrics.count(metrics.HEALED, reason=reason)
    logger.warning("link to the primary dropped: %s", reason)
    connection.close()


def is_broken(connection: BaseDatabaseWrapper) -> bool:
    """Has the driver given the link up?"""
    return connection.connection is not None and bool(connection.connection.closed)


def _fetch(connection: BaseDatabaseWrapper, sql: str) -> tuple[Any, ...]:
    """One row, past Django's cursor: no query of the project's, so neither logged nor counted."""
    connection.ensure_connection()
    try:
        return _fetch_row(connection, sql)
    except Error:
        if connection.in_atomic_block or not is_broken(connection):
            raise
        heal(connection, "broken")
        connection.ensure_connection()
        return _fetch_row(connection, sql)


def _fetch_row(connection: BaseDatabaseWrapper, sql: str) -> tuple[Any, ...]:
    with connection.wrap_database_errors, connection.connection.cursor() as cursor:
        cursor.execute(sql)
        row: tuple[Any, ...] = cursor.fetchone()
        return row


def _on_connect(*, connection: BaseDatabaseWrapper, **_: Any) -> None:
    settings = get_settings()
    if connection.alias != settings.primary or connection.vendor != "postgresql":
        return
    if _watch not in connection.execute_wrappers:
        connection.execute_wrappers.insert(0, _watch)
    is_replica, timeline = _fetch_row(connection, _ROLE_SQL)
    _refuse_replaced(
        connection, is_replica=is_replica, timeline=timeline, newest=_newest_timeline()
    )
    vars(connection)["dbrouting_timeline"] = timeline


def _refuse_replaced(
    connection: BaseDatabaseWrapper, *, is_replica: bool, timeline: int, newest: int
) -> None:
    if is_replica or timeline >= newest:
        return
    where = _where(connection)
    connection.close()
    raise OperationalError(
        f"{where} is on timeline {timeline}, but another server was promoted to {newest}: it was"
        f" replaced as the primary and nothing is written to it. Stop it, or take it out of"
        f" DATABASES[{connection.alias!r}]['HOST']."
    )


def _watch(
    execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: dict[str, Any]
) -> Any:
    """Django's execute_wrapper contract: run the statement, and look after the link."""
    connection = context["connection"]
    is_write = writes(sql)
    if is_write:
        note_write()
        if _is_replaced(connection):
            _leave_replaced(connection, context["cursor"])
    try:
        return execute(sql, params, many, context)
    except Error as error:
        if connection.in_atomic_block or not connection.autocommit:
            raise
        if _sqlstate(error) == _READ_ONLY:
            _reconnect(connection, context["cursor"], error)
            return execute(sql, params, many, context)
        if is_broken(connection):
            heal(connection, "broken")
        raise


def _is_replaced(connection: BaseDatabaseWrapper) -> bool:
    """Before a write: was another server promoted since this link was made?"""
    timeline: int = vars(connection).get("dbrouting_timeline", 0)
    return 0 < timeline < _newest_timeline()


def _leave_replaced(connection: BaseDatabaseWrapper, cursor: Any) -> None:
    """Give `cursor` a link to the newest primary; raises if there is none, or inside `atomic`."""
    if connection.in_atomic_block or not connection.autocommit:
        timeline = vars(connection)["dbrouting_timeline"]
        _refuse_replaced(connection, is_replica=False, timeline=timeline, newest=_newest_timeline())
    heal(connection, "replaced")
    connection.ensure_connection()
    cursor.cursor = connection.create_cursor()


def _reconnect(connection: BaseDatabaseWrapper, cursor: Any, error: Error) -> None:
    """Give `cursor` a link to the new primary; raises, naming the host, if there is none."""
    where = _where(connection)
    heal(connection, "demoted")
    connection.ensure_connection()
    with connection.wrap_database_errors:
        is_replica = bool(_fetch_row(connection, _ROLE_SQL)[0])
    if is_replica:
        error.args = (
            f"{error} ({where} was demoted and no other host takes writes. List all hosts in"
            f" DATABASES[{connection.alias!r}]['HOST'], comma-separated, and set OPTIONS"
            f" target_session_attrs='read-write'.)",
        )
        raise error
    cursor.cursor = connection.create_cursor()


def _sqlstate(error: BaseException) -> str | None:
    cause = error.__cause__
    return getattr(cause, "sqlstate", None) or getattr(cause, "pgcode", None)


def _where(connection: BaseDatabaseWrapper) -> str:
    info = getattr(connection.connection, "info", None)
    host = getattr(info, "host", "") or connection.settings_dict["HOST"] or "the local server"
    port = getattr(info, "port", "") or connection.settings_dict["PORT"]
    return f"{host}:{port}" if port else str(host)
