"""Constraints in two steps: NOT VALID for new rows, then VALIDATE for the old ones."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.migrations.operations import AddConstraint, AlterField
from django.db.migrations.operations.base import Operation

from . import catalog
from .indexes import (
    build_concurrently,
    build_like,
    drop_concurrently,
    drop_constraint,
    drop_like,
)


class AddForeignKeyNotValid(AlterField):
    """AlterField of a column to a foreign key: index concurrently, then the constraint NOT VALID.

    The column is there already (`db_constraint=False`). Follow it by ValidateConstraint in
    another migration. Needs atomic = False when the field has an index.
    """

    atomic = False
    policy_retry_safe = True

    def describe(self) -> str:
        return f"Add the foreign key {self.name} of {self.model_name}, not valid yet"

    def database_forwards(
        self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any
    ) -> None:
        model = to_state.apps.get_model(app_label, self.model_name)
        if not self.allow_migrate_model(schema_editor.connection.alias, model):
            return
        field = model._meta.get_field(self.name)
        before = from_state.apps.get_model(app_label, self.model_name)._meta.get_field(self.name)
        if field.db_index and not field.unique:
            if not before.db_index:
                catalog.require_autocommit(schema_editor, "AddForeignKeyNotValid")
            self._build_index(schema_editor, model, field, bool(before.db_index))
        name = catalog.foreign_key_name(schema_editor, model, field)
        if catalog.constraint_state(schema_editor, model._meta.db_table, name) == "absent":
            sql = schema_editor._create_fk_sql(model, field, "_fk_%(to_table)s_%(to_column)s")
            schema_editor.execute(f"{sql} NOT VALID", params=None)

    def _build_index(self, editor: Any, model: Any, field: Any, has_index: bool) -> None:
        if has_index:
            return
        name = self._index_name(editor, model, field)
        quote = editor.quote_name
        table, column = quote(model._meta.db_table), quote(field.column)
        create = f"CREATE INDEX CONCURRENTLY {quote(name)} ON {table} ({column})"
        build_concurrently(editor, name, create)
        build_like(editor, model, field)

    def database_backwards(
        self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any
    ) -> None:
        model = from_state.apps.get_model(app_label, self.model_name)
        if not self.allow_migrate_model(schema_editor.connection.alias, model):
            return
        field = model._meta.get_field(self.name)
        after = to_state.apps.get_model(app_label, self.model_name)._meta.get_field(self.name)
        name = catalog.foreign_key_name(schema_editor, model, field)
        drop_constraint(schema_editor, model._meta.db_table, name)
        if field.db_index and not field.unique and not after.db_index:
            catalog.require_autocommit(schema_editor, "AddForeignKeyNotValid")
            drop_concurrently(schema_editor, self._index_name(schema_editor, model, field))
            drop_like(schema_editor, model, field)

    @staticmethod
    def _index_name(editor: Any, model: Any, field: Any) -> str:
        return str(editor._create_index_name(model._meta.db_table, [field.column]))


class AddCheckNotValid(AddConstraint):
    """AddConstraint for a CheckConstraint, NOT VALID: only new and changed rows are checked."""

    policy_retry_safe = True
    model_name: str
    constraint: models.CheckConstraint

    def __init__(self, model_name: str, constraint: models.CheckConstraint) -> None:
        if not isinstance(constraint, models.CheckConstraint):
            raise TypeError("AddCheckNotValid takes a CheckConstraint")
        super().__init__(model_name, constraint)

    def describe(self) -> str:
        return f"Add the check {self.constraint.name} on {self.model_name}, not valid yet"

    def database_forwards(
        self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any
    ) -> None:
        model = to_state.apps.get_model(app_label, self.model_name)
        if not self.allow_migrate_model(schema_editor.connection.alias, model):
            return
        table = model._meta.db_table
        if catalog.constraint_state(schema_editor, table, self.constraint.name) == "absent":
            sql = self.constraint.create_sql(model, schema_editor)
            schema_editor.execute(f"{sql} NOT VALID", params=None)

    def database_backwards(
        self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any
    ) -> None:
        model = to_state.apps.get_model(app_label, self.model_name)
        if self.allow_migrate_model(schema_editor.connection.alias, model):
            drop_constraint(schema_editor, model._meta.db_table, self.constraint.name)


class ValidateConstraint(Operation):
    """Validate a constraint by name, or the foreign key of `field`: a scan that blocks nobody."""

    policy_retry_safe = True
    reduces_to_sql = True

    def __init__(
        self, model_name: str, name: str | None = None, *, field: str | None = None
    ) -> None:
        if (name is None) == (field is None):
            raise TypeError("ValidateConstraint takes a constraint's name or a field")
        self.model_name = model_name
        self.name = name
        self.policy_field = field

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        given = {"name": self.name, "field": self.policy_field}
        named = {key: value for key, value in given.items() if value is not None}
        return type(self).__name__, [self.model_name], named

    def state_forwards(self, app_label: str, state: Any) -> None:
        """Change nothing: the models do not say whether a constraint is validated."""

    def describe(self) -> str:
        return f"Validate {self.name or self.policy_field} on {self.model_name}"

    def database_forwards(
        self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any
    ) -> None:
        model = to_state.apps.get_model(app_label, self.model_name)
        if not self.allow_migrate_model(schema_editor.connection.alias, model):
            return
        name = self.name
        if self.policy_field is not None:
            field = model._meta.get_field(self.policy_field)
            name = catalog.foreign_key_name(schema_editor, model, field)
        quote = schema_editor.quote_name
        table = quote(model._meta.db_table)
        schema_editor.execute(f"ALTER TABLE {table} VALIDATE CONSTRAINT {quote(name)}", params=None)

    def database_backwards(
        self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any
    ) -> None:
        """Change nothing: a validated constraint does no harm on the way back."""
