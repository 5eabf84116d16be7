"""Renaming a column while two releases run: both names exist, a trigger keeps them equal."""

from __future__ import annotations

from typing import Any

from django.db.migrations.operations import RenameField
from django.db.migrations.operations.base import Operation

from . import catalog
from .backfill import update_in_batches
from .batches import Pace
from .indexes import build_concurrently, build_like, build_unique
from .not_null import set_not_null

FUNCTION = """
CREATE OR REPLACE FUNCTION {function}() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.{new} IS NOT NULL THEN
            NEW.{old} := NEW.{new};
        ELSE
            NEW.{new} := NEW.{old};
        END IF;
    ELSIF NEW.{new} IS DISTINCT FROM OLD.{new} THEN
        NEW.{old} := NEW.{new};
    ELSIF NEW.{old} IS DISTINCT FROM OLD.{old} THEN
        NEW.{new} := NEW.{old};
    END IF;
    RETURN NEW;
END $$
"""


class Pair:
    """The two columns of a rename, and the SQL that keeps them equal."""

    def __init__(self, editor: Any, table: str, old: str, new: str) -> None:
        self.editor = editor
        self.table = table
        self.old = old
        self.new = new
        self.trigger = editor._create_index_name(table, [old, new], suffix="_sync")

    def run(self, sql: str) -> None:
        """Execute one statement."""
        self.editor.execute(sql, params=None)

    def double(self, db_type: str, key: str) -> None:
        """Add the new column, the trigger, and copy old rows in batches; any part may be done."""
        quote = self.editor.quote_name
        table, trigger = quote(self.table), quote(self.trigger)
        self.run(f"ALTER TABLE {table} ADD COLUMN IF NOT EXISTS {quote(self.new)} {db_type}")
        names = {"function": trigger, "old": quote(self.old), "new": quote(self.new)}
        self.run(FUNCTION.format(**names).strip())
        self.run(
            f"CREATE OR REPLACE TRIGGER {trigger} BEFORE INSERT OR UPDATE ON {table} "
            f"FOR EACH ROW EXECUTE FUNCTION {trigger}()"
        )
        if not self.editor.collect_sql:
            old, new = quote(self.old), quote(self.new)
            where = f"{new} IS DISTINCT FROM {old}"
            update_in_batches(
                self.editor, self.table, f"{new} = {old}", where, key=key, pace=Pace()
            )

    def release(self, column: str) -> None:
        """Drop the trigger, then one of the columns."""
        quote = self.editor.quote_name
        table, trigger = quote(self.table), quote(self.trigger)
        self.run(f"DROP TRIGGER IF EXISTS {trigger} ON {table}")
        self.run(f"DROP FUNCTION IF EXISTS {trigger}()")
        self.run(f"ALTER TABLE {table} DROP COLUMN IF EXISTS {quote(column)}")


class RenameFieldSafely(RenameField):
    """Release N: the field has its new name; the column exists under both. Needs atomic = False.

    Indexes, uniqueness and foreign key of the field are built for the new column too. Fields that
    Meta.indexes or Meta.constraints name are refused: rename those by hand. FinishRenameField
    removes the old column a release later.
    """

    atomic = False
    policy_retry_safe = True
    policy_renames_field = True
    policy_state_only = True

    def describe(self) -> str:
        return f"Rename {self.old_name} of {self.model_name} to {self.new_name}, keeping both"

    def _pair(self, app_label: str, editor: Any, old_state: Any, new_state: Any) -> Any:
        before = old_state.apps.get_model(app_label, self.model_name)
        after = new_state.apps.get_model(app_label, self.model_name)
        old, new = before._meta.get_field(self.old_name), after._meta.get_field(self.new_name)
        return before, after, old, new, Pair(editor, before._meta.db_table, old.column, new.column)

    def database_forwards(
        self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any
    ) -> None:
        catalog.require_autocommit(schema_editor, "RenameFieldSafely")
        before, after, old, new, pair = self._pair(app_label, schema_editor, from_state, to_state)
        if not self.allow_migrate_model(schema_editor.connection.alias, after):
            return
        self._refuse(before, old)
        if old.column == new.column:
            return
        db_type = new.db_parameters(connection=schema_editor.connection)["type"]
        pair.double(db_type, before._meta.pk.column)
        self._index(schema_editor, after, new)

    def _refuse(self, model: Any, field: Any) -> None:
        if field.primary_key or field.many_to_many:
            raise ValueError(
                f"{field.name} is a primary key or a relation table: rename it by hand"
            )
        for item in [*model._meta.indexes, *model._meta.constraints]:
            if field.name in getattr(item, "fields", ()):
                raise ValueError(
                    f"{item.name} covers {field.name}: drop it before the rename, add it after"
                )

    def _index(self, editor: Any, model: Any, field: Any) -> None:
        table, quote = model._meta.db_table, editor.quote_name
        if field.unique:
            name = str(editor._unique_constraint_name(table, [field.column])).strip('"')
            build_unique(editor, model, name, [field.column])
            build_like(editor, model, field)
        elif field.db_index:
            name = editor._create_index_name(table, [field.column])
            columns = f"{quote(table)} ({quote(field.column)})"
            create = f"CREATE INDEX CONCURRENTLY {quote(name)} ON {columns}"
            build_concurrently(editor, name, create)
            build_like(editor, model, field)
        if field.remote_field and field.db_constraint:
            name = catalog.foreign_key_name(editor, model, field)
            if catalog.constraint_state(editor, table, name) == "absent":
                sql = editor._create_fk_sql(model, field, "_fk_%(to_table)s_%(to_column)s")
                editor.execute(f"{sql} NOT VALID", params=None)
            editor.execute(
                f"ALTER TABLE {quote(table)} VALIDATE CONSTRAINT {quote(name)}", params=None
            )

    def database_backwards(
        self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any
    ) -> None:
        _, after, old, new, pair = self._pair(app_label, schema_editor, to_state, from_state)
        if old.column == new.column:
            return
        if self.allow_migrate_model(schema_editor.connection.alias, after):
            pair.release(pair.new)


class FinishRenameField(Operation):
    """Release N+1: the old column goes, the new one becomes NOT NULL if the field is.

    Needs atomic = False. Going back brings the old column and the trigger again.
    """

    atomic = False
    policy_retry_safe = True
    reduces_to_sql = True

    def __init__(self, model_name: str, old_name: str, new_name: str) -> None:
        self.model_name = model_name
        self.old_name = old_name
        self.new_name = new_name

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        return type(self).__name__, [self.model_name, self.old_name, self.new_name], {}

    def state_forwards(self, app_label: str, state: Any) -> None:
        """Change nothing: RenameFieldSafely has renamed the field."""

    def describe(self) -> str:
        return f"Drop the old name {self.old_name} of {self.new_name} on {self.model_name}"

    def _pair(self, app_label: str, editor: Any, state: Any) -> tuple[Any, Any, Pair]:
        model = state.apps.get_model(app_label, self.model_name)
        field = model._meta.get_field(self.new_name)
        # The old column's name follows the new one's: `<name>` or, for relations, `<name>_id`.
        old = self.old_name + field.column.removeprefix(field.name)
        return model, field, Pair(editor, model._meta.db_table, old, field.column)

    def database_forwards(
        self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any
    ) -> None:
        catalog.require_autocommit(schema_editor, "FinishRenameField")
        model, field, pair = self._pair(app_label, schema_editor, to_state)
        if not self.allow_migrate_model(schema_editor.connection.alias, model):
            return
        if not field.null:
            set_not_null(schema_editor, pair.table, pair.new)
        pair.release(pair.old)

    def database_backwards(
        self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any
    ) -> None:
        model, field, pair = self._pair(app_label, schema_editor, from_state)
        if not self.allow_migrate_model(schema_editor.connection.alias, model):
            return
        db_type = field.db_parameters(connection=schema_editor.connection)["type"]
        forward = Pair(schema_editor, pair.table, pair.new, pair.old)
        forward.trigger = pair.trigger
        forward.double(db_type, model._meta.pk.column)
