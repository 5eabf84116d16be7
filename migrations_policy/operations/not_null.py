"""NOT NULL without a scan under the strongest lock."""

from __future__ import annotations

from typing import Any

from django.db.migrations.operations import AlterField

from . import catalog
from .indexes import drop_constraint


def set_not_null(editor: Any, table: str, column: str) -> None:
    """Prove NOT NULL by a CHECK, validated under a weak lock, then set it; step by step.

    Each step is skipped when an earlier run has done it.
    """
    quote = editor.quote_name
    if catalog.column_state(editor, table, column) == "valid":
        return
    name = editor._create_index_name(table, [column], suffix="_not_null")
    state = catalog.constraint_state(editor, table, name)
    target = quote(table)
    if state == "absent":
        editor.execute(
            f"ALTER TABLE {target} ADD CONSTRAINT {quote(name)} "
            f"CHECK ({quote(column)} IS NOT NULL) NOT VALID",
            params=None,
        )
    if state != "valid":
        editor.execute(f"ALTER TABLE {target} VALIDATE CONSTRAINT {quote(name)}", params=None)
    editor.execute(f"ALTER TABLE {target} ALTER COLUMN {quote(column)} SET NOT NULL", params=None)
    drop_constraint(editor, table, name)


class SetNotNullSafely(AlterField):
    """AlterField from null=True to null=False. Needs atomic = False.

    Fill the old rows first (BackfillInBatches): validation fails on the first NULL it meets, and
    the operation can be run again after they are gone.
    """

    atomic = False
    policy_retry_safe = True

    def describe(self) -> str:
        return f"Set {self.name} of {self.model_name} NOT NULL, proved by a check"

    def database_forwards(
        self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any
    ) -> None:
        catalog.require_autocommit(schema_editor, "SetNotNullSafely")
        model = to_state.apps.get_model(app_label, self.model_name)
        if self.allow_migrate_model(schema_editor.connection.alias, model):
            set_not_null(
                schema_editor, model._meta.db_table, model._meta.get_field(self.name).column
            )

    def database_backwards(
        self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any
    ) -> None:
        model = from_state.apps.get_model(app_label, self.model_name)
        if self.allow_migrate_model(schema_editor.connection.alias, model):
            quote = schema_editor.quote_name
            column = quote(model._meta.get_field(self.name).column)
            schema_editor.execute(
                f"ALTER TABLE {quote(model._meta.db_table)} ALTER COLUMN {column} DROP NOT NULL",
                params=None,
            )
