"""Indexes and unique constraints built concurrently, which clear what a broken build left."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.migrations.operations import AddConstraint, AddIndex, AlterField

from . import catalog


def build_concurrently(editor: Any, name: str, create_sql: str) -> None:
    """Build an index unless a valid one has its name; drop an invalid one first."""
    state = catalog.index_state(editor, name)
    if state == "valid":
        return
    if state == "invalid":
        drop_concurrently(editor, name)
    editor.execute(create_sql, params=None)


def drop_concurrently(editor: Any, name: str) -> None:
    """Drop an index, if it is there, without blocking."""
    editor.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {editor.quote_name(name)}", params=None)


def build_unique(editor: Any, model: Any, name: str, columns: list[str]) -> None:
    """Build a unique index concurrently and make it the constraint `name`."""
    table = model._meta.db_table
    if catalog.constraint_state(editor, table, name) != "absent":
        return
    quote = editor.quote_name
    names = ", ".join(quote(column) for column in columns)
    create = f"CREATE UNIQUE INDEX CONCURRENTLY {quote(name)} ON {quote(table)} ({names})"
    build_concurrently(editor, name, create)
    editor.execute(
        f"ALTER TABLE {quote(table)} ADD CONSTRAINT {quote(name)} UNIQUE USING INDEX {quote(name)}",
        params=None,
    )


def build_like(editor: Any, model: Any, field: Any) -> None:
    """Build the second index that Django gives indexed text, for LIKE 'start%', concurrently."""
    sql = editor._create_like_index_sql(model, field)
    if sql is not None:
        create = str(sql).replace("CREATE INDEX ", "CREATE INDEX CONCURRENTLY ", 1)
        build_concurrently(editor, like_name(editor, model, field), create)


def drop_like(editor: Any, model: Any, field: Any) -> None:
    """Drop the index that `build_like` builds, if it is there."""
    if editor._create_like_index_sql(model, field) is not None:
        drop_concurrently(editor, like_name(editor, model, field))


def like_name(editor: Any, model: Any, field: Any) -> str:
    """Return the name Django gives that index."""
    return str(editor._create_index_name(model._meta.db_table, [field.column], suffix="_like"))


def restore_indexes(editor: Any, model: Any, field: Any) -> None:
    """Build a field's own indexes where they went with its column; concurrently where allowed."""
    table = model._meta.db_table
    if catalog.has_index(editor, table, field.column):
        return
    if field.unique:
        editor.execute(editor._create_unique_sql(model, [field]))
    elif field.db_index:
        name = str(editor._create_index_name(table, [field.column]))
        columns = f"{editor.quote_name(table)} ({editor.quote_name(field.column)})"
        how = "" if editor.connection.in_atomic_block else "CONCURRENTLY "
        sql = f"CREATE INDEX {how}{editor.quote_name(name)} ON {columns}"
        build_concurrently(editor, name, sql)
    if field.unique or field.db_index:
        like = editor._create_like_index_sql(model, field)
        if like is not None:
            editor.execute(like)


def drop_constraint(editor: Any, table: str, name: str) -> None:
    """Drop a constraint, if it is there."""
    quote = editor.quote_name
    editor.execute(
        f"ALTER TABLE {quote(table)} DROP CONSTRAINT IF EXISTS {quote(name)}", params=None
    )


class AddIndexConcurrently(AddIndex):
    """AddIndex with CONCURRENTLY that can be run again after it broke. Needs atomic = False."""

    atomic = False
    policy_retry_safe = True

    def describe(self) -> str:
        return f"Concurrently create index {self.index.name} on {self.model_name}"

    def database_forwards(
        self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any
    ) -> None:
        catalog.require_autocommit(schema_editor, "AddIndexConcurrently")
        model = to_state.apps.get_model(app_label, self.model_name)
        if self.allow_migrate_model(schema_editor.connection.alias, model):
            sql = self.index.create_sql(model, schema_editor, concurrently=True)
            build_concurrently(schema_editor, self.index.name, str(sql))

    def database_backwards(
        self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any
    ) -> None:
        catalog.require_autocommit(schema_editor, "AddIndexConcurrently")
        model = from_state.apps.get_model(app_label, self.model_name)
        if self.allow_migrate_model(schema_editor.connection.alias, model):
            drop_concurrently(schema_editor, self.index.name)


class AddUniqueConcurrently(AddConstraint):
    """AddConstraint for a UniqueConstraint whose index is built concurrently.

    A plain constraint becomes a real one by USING INDEX; with condition, expressions, include or
    opclasses it stays a unique index, as in Django. Needs atomic = False.
    """

    atomic = False
    policy_retry_safe = True
    model_name: str
    constraint: models.UniqueConstraint

    def __init__(self, model_name: str, constraint: models.UniqueConstraint) -> None:
        if not isinstance(constraint, models.UniqueConstraint):
            raise TypeError("AddUniqueConcurrently takes a UniqueConstraint")
        if constraint.deferrable is not None:
            raise ValueError("a deferrable constraint cannot be made from a concurrent index")
        super().__init__(model_name, constraint)

    def describe(self) -> str:
        return f"Concurrently create unique constraint {self.constraint.name} on {self.model_name}"

    def database_forwards(
        self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any
    ) -> None:
        catalog.require_autocommit(schema_editor, "AddUniqueConcurrently")
        model = to_state.apps.get_model(app_label, self.model_name)
        if not self.allow_migrate_model(schema_editor.connection.alias, model):
            return
        constraint, name = self.constraint, self.constraint.name
        sql = str(constraint.create_sql(model, schema_editor))
        if sql.startswith("CREATE UNIQUE INDEX "):
            sql = sql.replace("CREATE UNIQUE INDEX ", "CREATE UNIQUE INDEX CONCURRENTLY ", 1)
            build_concurrently(schema_editor, name, sql)
        else:
            columns = [model._meta.get_field(field).column for field in constraint.fields]
            build_unique(schema_editor, model, name, columns)

    def database_backwards(
        self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any
    ) -> None:
        catalog.require_autocommit(schema_editor, "AddUniqueConcurrently")
        model = to_state.apps.get_model(app_label, self.model_name)
        if self.allow_migrate_model(schema_editor.connection.alias, model):
            name = self.constraint.name
            drop_constraint(schema_editor, model._meta.db_table, name)
            drop_concurrently(schema_editor, name)


class SetUniqueSafely(AlterField):
    """AlterField to unique=True whose index is built concurrently. Needs atomic = False.

    The field must be in the database already and differ in `unique` (and for relations their
    Python side) only; other differences are left to operations of their own.
    """

    atomic = False
    policy_retry_safe = True

    def describe(self) -> str:
        return f"Concurrently make {self.name} of {self.model_name} unique"

    def database_forwards(
        self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any
    ) -> None:
        catalog.require_autocommit(schema_editor, "SetUniqueSafely")
        model = to_state.apps.get_model(app_label, self.model_name)
        if self.allow_migrate_model(schema_editor.connection.alias, model):
            field = model._meta.get_field(self.name)
            name = self._constraint(schema_editor, model, field.column)
            build_unique(schema_editor, model, name, [field.column])
            build_like(schema_editor, model, field)

    def database_backwards(
        self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any
    ) -> None:
        catalog.require_autocommit(schema_editor, "SetUniqueSafely")
        model = from_state.apps.get_model(app_label, self.model_name)
        if self.allow_migrate_model(schema_editor.connection.alias, model):
            field = model._meta.get_field(self.name)
            after = to_state.apps.get_model(app_label, self.model_name)._meta.get_field(self.name)
            name = self._constraint(schema_editor, model, field.column)
            drop_constraint(schema_editor, model._meta.db_table, name)
            drop_concurrently(schema_editor, name)
            if not after.db_index:
                drop_like(schema_editor, model, field)

    @staticmethod
    def _constraint(editor: Any, model: Any, column: str) -> str:
        return str(editor._unique_constraint_name(model._meta.db_table, [column])).strip('"')
