"""The SQL an operation would run, collected without a database.

Django's own PostgreSQL schema editor writes it; what that editor would ask the database (names of
constraints, mostly) is answered from its own naming instead.
"""

from __future__ import annotations

import datetime
import uuid
from collections.abc import Iterable
from importlib import import_module
from typing import Any

from django.conf import settings
from django.db import models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.backends.postgresql import base as postgresql
from django.db.backends.postgresql.schema import DatabaseSchemaEditor
from django.db.utils import DEFAULT_DB_ALIAS, ConnectionHandler

from .sql.parse import parse
from .sql.statement import Statement


class OfflineError(RuntimeError):
    """Something wanted to talk to the database while SQL was only being collected."""


class OfflineSchemaEditor(DatabaseSchemaEditor):
    """PostgreSQL's schema editor, collecting SQL and asking no database."""

    def execute(self, sql: Any, params: Any = ()) -> None:
        """Collect the statement."""
        BaseDatabaseSchemaEditor.execute(self, str(sql), params or None)

    def _constraint_names(
        self,
        model: type[models.Model],
        column_names: Iterable[str] | None = None,
        unique: bool | None = None,
        primary_key: bool | None = None,
        index: bool | None = None,
        foreign_key: bool | None = None,
        check: bool | None = None,
        type_: str | None = None,
        exclude: Any = None,
    ) -> list[str]:
        """Return the one name Django would have given (suffixes as in its `_create_*` methods)."""
        table = model._meta.db_table
        if primary_key:
            return [f"{table}_pkey"]
        suffix = "_fk" if foreign_key else "_check" if check else "_uniq" if unique else "_idx"
        if foreign_key and not self._has_foreign_key(model, column_names):
            return []
        return [self._named(table, list(column_names or ()), suffix)]

    def _named(self, table: str, columns: list[str], suffix: str) -> str:
        editor: Any = self
        return str(editor._create_index_name(table, columns, suffix=suffix))

    def _has_foreign_key(
        self, model: type[models.Model], column_names: Iterable[str] | None
    ) -> bool:
        wanted = set(column_names or ())
        return any(
            field.column in wanted and field.remote_field and getattr(field, "db_constraint", True)
            for field in model._meta.local_fields
        )

    def _effective_default(self, field: Any) -> Any:
        """Return the field's default, or a sample where calling it might ask a database."""
        default = field.default
        if field.has_default() and callable(default) and not _is_harmless(default):
            return _sample(field)
        base: Any = BaseDatabaseSchemaEditor
        return base._effective_default(field)

    def _is_collation_deterministic(self, collation_name: str) -> bool:
        return True

    def _get_sequence_name(self, table: str, column: str) -> str | None:
        return None


# Defaults of these modules compute a value and do nothing else.
HARMLESS_MODULES = {"builtins", "uuid", "datetime", "decimal", "django.utils.timezone"}
SAMPLES: dict[str, Any] = {
    "BooleanField": False,
    "CharField": "",
    "DateField": datetime.date(2020, 1, 1),
    "DateTimeField": datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC),
    "FileField": "",
    "JSONField": {},
    "SlugField": "",
    "TextField": "",
    "TimeField": datetime.time(),
    "UUIDField": uuid.UUID(int=0),
}


def _is_harmless(default: Any) -> bool:
    return getattr(default, "__module__", "") in HARMLESS_MODULES


def _sample(field: Any) -> Any:
    while field.is_relation:
        field = field.target_field
    return SAMPLES.get(field.get_internal_type(), 0)


def _wrapper_class() -> type[Any]:
    """Return the configured PostgreSQL backend's wrapper (PostGIS has its own), or Django's."""
    engine = settings.DATABASES.get(DEFAULT_DB_ALIAS, {}).get("ENGINE", "")
    if engine:
        wrapper: type[Any] = import_module(f"{engine}.base").DatabaseWrapper
        if issubclass(wrapper, postgresql.DatabaseWrapper):
            return wrapper
    return postgresql.DatabaseWrapper


def offline_connection(version: int) -> Any:
    """Return a connection object for PostgreSQL `version` that refuses to connect."""

    class OfflineConnection(_wrapper_class()):  # type: ignore[misc]
        SchemaEditorClass = OfflineSchemaEditor
        pg_version = version * 10_000

        def connect(self) -> None:
            raise OfflineError("the linter collects SQL without a database connection")

        def ensure_connection(self) -> None:
            self.connect()

        def cursor(self) -> Any:
            self.connect()

    handler = ConnectionHandler({DEFAULT_DB_ALIAS: {"ENGINE": "django.db.backends.postgresql"}})
    return OfflineConnection(handler.settings[DEFAULT_DB_ALIAS], DEFAULT_DB_ALIAS)


class Collector:
    """Runs operations against an offline schema editor and hands out what each wrote."""

    def __init__(self, version: int) -> None:
        self.connection = offline_connection(version)
        self.editor = OfflineSchemaEditor(self.connection, collect_sql=True, atomic=False)
        self.reset()

    def reset(self) -> None:
        """Start a new migration: nothing collected, nothing deferred."""
        self.editor.collected_sql = []
        self.editor.deferred_sql = []

    def run(
        self, operation: Any, app_label: str, from_state: Any, to_state: Any
    ) -> tuple[tuple[Statement, ...], tuple[Statement, ...], str]:
        """Return the statements run at once, those deferred, and what went wrong (or "")."""
        start = len(self.editor.collected_sql)
        deferred_before = {id(item) for item in self.editor.deferred_sql}
        error = ""
        try:
            operation.database_forwards(app_label, self.editor, from_state, to_state)
        except Exception as problem:  # noqa: BLE001  # an operation may do anything; it is reported
            error = f"{type(problem).__name__}: {problem}"
        written = self.editor.collected_sql[start:]
        deferred = [
            str(item) for item in self.editor.deferred_sql if id(item) not in deferred_before
        ]
        return parse_all(written), parse_all(deferred), error


def parse_all(texts: Iterable[str]) -> tuple[Statement, ...]:
    """Parse SQL texts, leaving out comments, which Django collects too."""
    return tuple(
        statement
        for text in texts
        if text and not text.startswith("--")
        for statement in parse(text)
        if statement.kind != "empty"
    )
