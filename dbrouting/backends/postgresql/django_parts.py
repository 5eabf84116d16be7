"""What we take from Django's backend beyond its documented interface, typed in one place.

tests/dbrouting/test_django_parts.py holds that it is there, for every Django that we support.
"""

from typing import TYPE_CHECKING, Any

from django.db.backends.postgresql import base
from django.db.backends.utils import CursorWrapper

Database: Any = vars(base)["Database"]
is_psycopg3: bool = vars(base)["is_psycopg3"]

if TYPE_CHECKING:

    class PostgresWrapper(base.DatabaseWrapper):
        """Django's wrapper with the hooks that its stubs leave out."""

        _connection_pools: dict[str, Any]
        connection: Any
        health_check_done: bool

        def _cursor(self, name: str | None = None) -> Any: ...
        def _prepare_cursor(self, cursor: Any) -> Any: ...
        def _set_autocommit(self, autocommit: bool) -> None: ...
        def _commit(self) -> None: ...
        def _rollback(self) -> None: ...
        def _savepoint(self, sid: str) -> None: ...
        def _savepoint_rollback(self, sid: str) -> None: ...
        def _savepoint_commit(self, sid: str) -> None: ...
        def _close(self) -> None: ...
        def _configure_connection(self, connection: Any) -> bool: ...
        def get_new_connection(self, conn_params: dict[str, Any]) -> Any: ...

    class PostgresCursor(CursorWrapper):
        """Django's cursor wrapper with the hooks that its stubs leave out."""

        def _execute(self, sql: Any, params: Any, *ignored: Any) -> Any: ...
        def _executemany(self, sql: Any, param_list: Any, *ignored: Any) -> Any: ...

else:
    PostgresWrapper = base.DatabaseWrapper
    # A mixin's base: the wrapper it is mixed into brings the hooks.
    PostgresCursor = object
