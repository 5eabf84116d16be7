"""Whether a cache may be used inside the transaction at hand.

A transaction that has written sees what nobody else sees yet: it neither reads what others have
cached nor gives others what it reads. One on a snapshot may see what is old by now.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from typing import Any, Final

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created

_HARMLESS: Final = ("SELECT", "SAVEPOINT", "RELEASE", "ROLLBACK", "SET", "SHOW", "FETCH", "DECLARE")
_WRITES: Final = re.compile(r"\b(?:INSERT|UPDATE|DELETE|MERGE|INTO)\b", re.IGNORECASE)


class _Written(threading.local):
    """Transactions of this thread that have written, by connection: their outermost `atomic`."""

    def __init__(self) -> None:
        self.by_connection: dict[BaseDatabaseWrapper, object] = {}


_written: Final = _Written()


def connect() -> None:
    """Notice writes on every connection from now on. For `AppConfig.ready`."""
    connection_created.connect(_watch, dispatch_uid="twopass.datacache.transactions")
    for connection in connections.all(initialized_only=True):
        _watch(connection=connection)


def has_written() -> bool:
    """Whether a transaction that is open in this thread has written."""
    if not _written.by_connection:
        return False
    for connection, began in list(_written.by_connection.items()):
        if _outermost(connection) is not began:
            del _written.by_connection[connection]
    return bool(_written.by_connection)


def may_keep() -> bool:
    """Whether what is read here and now is what everybody would read."""
    if has_written():
        return False
    return not any(
        _is_snapshot(item) or _is_in_test(item) for item in connections.all(initialized_only=True)
    )


def _is_in_test(connection: BaseDatabaseWrapper) -> bool:
    """Whether a TestCase will roll back all that is read here: later tests must not find it."""
    return any(getattr(item, "_from_testcase", False) for item in connection.atomic_blocks)


def _is_snapshot(connection: BaseDatabaseWrapper) -> bool:
    if _outermost(connection) is None:
        return False
    level = getattr(connection, "isolation_level", None)
    return not (
        connection.vendor == "postgresql" and getattr(level, "name", "") == "READ_COMMITTED"
    )


def _outermost(connection: BaseDatabaseWrapper) -> object | None:
    """The outermost `atomic`, but for the one that a TestCase puts around a test."""
    if not connection.in_atomic_block:
        return None
    blocks = connection.atomic_blocks
    return next((item for item in blocks if not getattr(item, "_from_testcase", False)), None)


def _watch(*, connection: BaseDatabaseWrapper, **_: object) -> None:
    if _note not in connection.execute_wrappers:
        connection.execute_wrappers.append(_note)


def _note(
    execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: dict[str, Any]
) -> Any:
    """Django's execute_wrapper contract."""
    connection: BaseDatabaseWrapper = context["connection"]
    if connection.in_atomic_block and _may_write(str(sql)):
        began = _outermost(connection)
        if began is not None:
            _written.by_connection[connection] = began
    return execute(sql, params, many, context)


def _may_write(sql: str) -> bool:
    head = sql[:12].lstrip(" \n\t(").upper()
    if head.startswith(_HARMLESS):
        return head.startswith("SELECT") and " INTO " in sql
    if head.startswith(("WITH", "EXPLAIN")):
        return _WRITES.search(sql) is not None
    return True
