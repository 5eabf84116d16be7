"""What we take from Django beyond its documented interface is there and behaves."""

import inspect

import pytest
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.postgresql import base
from django.db.backends.utils import CursorWrapper
from django.db.transaction import Atomic

HOOKS = [
    "_cursor", "_prepare_cursor", "_set_autocommit", "_commit", "_rollback", "_savepoint",
    "_savepoint_rollback", "_savepoint_commit", "_close", "_configure_connection",
    "get_new_connection", "create_cursor", "connect", "ensure_connection",
    "close_if_health_check_failed", "close_if_unusable_or_obsolete", "validate_thread_sharing",
    "get_connection_params", "close_pool",
]  # fmt: skip


@pytest.mark.parametrize("name", HOOKS)
def test_hooks_of_the_wrapper(name):
    assert callable(getattr(base.DatabaseWrapper, name))


def test_connect_calls_the_hooks_we_override():
    source = inspect.getsource(BaseDatabaseWrapper.connect)

    for hook in ("get_connection_params()", "get_new_connection(", "init_connection_state()"):
        assert hook in source


def test_cursors_execute_through_hooks():
    assert "self._execute" in inspect.getsource(CursorWrapper.execute)
    assert "self._executemany" in inspect.getsource(CursorWrapper.executemany)
    assert "self.cursor.execute" in inspect.getsource(CursorWrapper._execute)


def test_a_testcase_marks_its_transactions():
    assert Atomic(None, True, False)._from_testcase is False


def test_module_level_names():
    assert {"Database", "is_psycopg3", "CursorDebugWrapper"} <= set(vars(base))
