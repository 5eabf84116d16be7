"""Removal in two releases: from the models first, from the database when nobody asks for it."""

from __future__ import annotations

from typing import Any

from django.db.migrations.operations import DeleteModel, RemoveField
from django.db.migrations.operations.base import Operation

from . import catalog
from .indexes import drop_constraint, restore_indexes
from .not_null import set_not_null


class RemoveFieldSafely(RemoveField):
    """Release N: the field leaves the models, its column stays and becomes optional.

    Its foreign key is dropped, so that the new code, which does not know the column, can insert
    and can delete parents. DropColumnSafely removes the column a release later.
    """

    policy_retry_safe = True
    policy_state_only = True

    def describe(self) -> str:
        return f"Remove {self.name} of {self.model_name} from the models, keep its column"

    def database_forwards(
        self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any
    ) -> None:
        model = from_state.apps.get_model(app_label, self.model_name)
        if not self.allow_migrate_model(schema_editor.connection.alias, model):
            return
        field = model._meta.get_field(self.name)
        if field.column is None:
            return
        table, quote = model._meta.db_table, schema_editor.quote_name
        if field.remote_field and field.db_constraint:
            name = catalog.foreign_key_name(schema_editor, model, field)
            drop_constraint(schema_editor, table, name)
        if not field.null and not field.has_db_default():
            schema_editor.execute(
                f"ALTER TABLE {quote(table)} ALTER COLUMN {quote(field.column)} DROP NOT NULL",
                params=None,
            )

    def database_backwards(
        self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any
    ) -> None:
        model = to_state.apps.get_model(app_label, self.model_name)
        if not self.allow_migrate_model(schema_editor.connection.alias, model):
            return
        field = model._meta.get_field(self.name)
        if field.column is None:
            return
        table = model._meta.db_table
        if not field.null and not field.has_db_default():
            self._require_filled(schema_editor, table, field.column)
            set_not_null(schema_editor, table, field.column)
        if field.remote_field and field.db_constraint:
            sql = schema_editor._create_fk_sql(model, field, "_fk_%(to_table)s_%(to_column)s")
            schema_editor.execute(f"{sql} NOT VALID", params=None)
        restore_indexes(schema_editor, model, field)

    @staticmethod
    def _require_filled(editor: Any, table: str, column: str) -> None:
        if catalog.has_null(editor, table, column):
            raise ValueError(
                f"{table}.{column} has rows written without it; fill them before going back "
                f'(UpdateInBatches("{table}", "{column} = …", "{column} IS NULL"))'
            )


class DropColumnSafely(Operation):
    """Release N+1: drop a column that the models lost in the release before.

    `definition` (its SQL type) makes it reversible: going back adds the column, empty.
    """

    policy_retry_safe = True
    reduces_to_sql = True

    def __init__(self, table: str, column: str, definition: str | None = None) -> None:
        self.table = table
        self.column = column
        self.definition = definition

    @property
    def reversible(self) -> bool:  # type: ignore[override]
        """Whether the column's type is known."""
        return self.definition is not None

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        definition = [self.definition] if self.definition else []
        return type(self).__name__, [self.table, self.column, *definition], {}

    def state_forwards(self, app_label: str, state: Any) -> None:
        """Change nothing: the models have lost the field already."""

    def describe(self) -> str:
        return f"Drop the column {self.column} of {self.table}"

    def database_forwards(
        self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any
    ) -> None:
        quote = schema_editor.quote_name
        schema_editor.execute(
            f"ALTER TABLE {quote(self.table)} DROP COLUMN IF EXISTS {quote(self.column)}",
            params=None,
        )

    def database_backwards(
        self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any
    ) -> None:
        quote = schema_editor.quote_name
        schema_editor.execute(
            f"ALTER TABLE {quote(self.table)} ADD COLUMN IF NOT EXISTS "
            f"{quote(self.column)} {self.definition}",
            params=None,
        )


class RemoveModelSafely(DeleteModel):
    """Release N: the model leaves the state, its table stays, without its foreign keys."""

    policy_retry_safe = True
    policy_state_only = True
    policy_removes_model = True

    def describe(self) -> str:
        return f"Remove {self.name} from the models, keep its table"

    def database_forwards(
        self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any
    ) -> None:
        for table, name, _ in self._foreign_keys(app_label, schema_editor, from_state):
            drop_constraint(schema_editor, table, name)

    def database_backwards(
        self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any
    ) -> None:
        for _, _, sql in self._foreign_keys(app_label, schema_editor, to_state):
            schema_editor.execute(f"{sql} NOT VALID", params=None)

    def _foreign_keys(self, app_label: str, editor: Any, state: Any) -> list[tuple[str, str, str]]:
        model = state.apps.get_model(app_label, self.name)
        if not self.allow_migrate_model(editor.connection.alias, model):
            return []
        suffix = "_fk_%(to_table)s_%(to_column)s"
        return [
            (
                model._meta.db_table,
                catalog.foreign_key_name(editor, model, field),
                str(editor._create_fk_sql(model, field, suffix)),
            )
            for field in model._meta.local_fields
            if field.remote_field and field.db_constraint
        ]


class DropTableSafely(Operation):
    """Release N+1: drop a table whose model left the state in the release before."""

    policy_retry_safe = True
    reduces_to_sql = True
    reversible = False

    def __init__(self, table: str) -> None:
        self.table = table

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        return type(self).__name__, [self.table], {}

    def state_forwards(self, app_label: str, state: Any) -> None:
        """Change nothing: the models have lost it already."""

    def describe(self) -> str:
        return f"Drop the table {self.table}"

    def database_forwards(
        self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any
    ) -> None:
        quote = schema_editor.quote_name
        schema_editor.execute(f"DROP TABLE IF EXISTS {quote(self.table)}", params=None)
