"""The replica alias as a test mirror: every query runs on the primary's own connection."""

from typing import Any, cast

from django.db import connections

from ...conf import get_settings
from .django_parts import PostgresWrapper


class MirrorWrapper(PostgresWrapper):
    """Django's wrapper which, while `is_mirror`, borrows and never opens, commits or closes."""

    settings_dict: dict[str, Any]

    @property
    def is_mirror(self) -> bool:
        """Did the test runner make this alias a mirror?"""
        return "IS_MIRROR" in self.settings_dict

    @property
    def primary(self) -> PostgresWrapper:
        """The primary's alias in this thread."""
        return cast(PostgresWrapper, connections[get_settings().primary])

    def _borrow(self) -> None:
        self.primary.ensure_connection()
        self.connection = self.primary.connection
        if not self.in_atomic_block:
            self.autocommit = True

    def ensure_connection(self) -> None:
        if self.is_mirror:
            self._borrow()
        else:
            super().ensure_connection()

    def _cursor(self, name: str | None = None) -> Any:
        if not self.is_mirror:
            return super()._cursor(name)
        self._borrow()
        with self.wrap_database_errors:
            return self._prepare_cursor(self.primary.create_cursor(name))

    def _set_autocommit(self, autocommit: bool) -> None:
        if not self.is_mirror:
            super()._set_autocommit(autocommit)

    def _commit(self) -> None:
        if not self.is_mirror:
            super()._commit()

    def _rollback(self) -> None:
        if not self.is_mirror:
            super()._rollback()

    # Savepoints are pretended, not refused: without one, the end of a test would mark the
    # transaction around its class as broken.

    def _savepoint(self, sid: str) -> None:
        if not self.is_mirror:
            super()._savepoint(sid)

    def _savepoint_rollback(self, sid: str) -> None:
        if not self.is_mirror:
            super()._savepoint_rollback(sid)

    def _savepoint_commit(self, sid: str) -> None:
        if not self.is_mirror:
            super()._savepoint_commit(sid)

    def _close(self) -> None:
        if not self.is_mirror:
            super()._close()
