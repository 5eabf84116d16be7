"""Another connection that changes rows in the middle of what is tested."""

import contextlib
from collections.abc import Iterator
from typing import Any

from django.db import connection

from devstack import ServerFailed
from devstack.pytest_plugin import PostgresDatabase


@contextlib.contextmanager
def after_first(text: str, database: PostgresDatabase, *statements: str) -> Iterator[list[str]]:
    """Another connection runs `statements` after our first one that holds `text`; those it could
    not, since rows were locked, are in the list."""
    refused: list[str] = []
    is_done = False

    def wrapper(execute: Any, sql: Any, params: Any, many: bool, context: Any) -> Any:
        nonlocal is_done
        result = execute(sql, params, many, context)
        if not is_done and text in str(sql):
            is_done = True
            for statement in statements:
                try:
                    database.cluster.primary.query(
                        f"SET lock_timeout = '200ms'; {statement}", database.name
                    )
                except ServerFailed as error:
                    if "lock timeout" not in str(error):
                        raise
                    refused.append(statement)
        return result

    with connection.execute_wrapper(wrapper):
        yield refused
    assert is_done
