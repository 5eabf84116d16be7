"""The two drivers behind one face: facts about errors, and plain connections for probes."""

from typing import Any

from django.db import Error as DjangoError

from ...failures import Facts
from .django_parts import Database, is_psycopg3


def facts_of(error: BaseException, connection: Any, *, is_connecting: bool = False) -> Facts | None:
    """What is known about a driver's or Django's error; None for any other exception."""
    cause = error.__cause__ if isinstance(error, DjangoError) and error.__cause__ else error
    if not isinstance(cause, Database.Error | DjangoError):
        return None
    # psycopg 3 calls it sqlstate, psycopg2 pgcode; a broken psycopg2 link has lost it.
    sqlstate = getattr(cause, "sqlstate", None) or getattr(cause, "pgcode", None)
    return Facts(
        sqlstate=sqlstate,
        message=str(cause),
        is_connecting=is_connecting,
        is_link_closed=connection is not None and bool(connection.closed),
    )


def connect(params: dict[str, Any]) -> Any:
    """A plain connection in autocommit mode, for probes."""
    if is_psycopg3:
        return Database.connect(**params, autocommit=True)
    connection = Database.connect(**params)
    connection.autocommit = True
    return connection
