"""Data changes in batches: by model (BackfillInBatches) or by SQL (UpdateInBatches)."""

from __future__ import annotations

from typing import Any

from django.db.migrations.operations.base import Operation
from django.db.models import Q

from . import catalog
from .batches import Pace, run_batches


class BackfillInBatches(Operation):
    """Set `values` on the rows that match `where`, in key order. Needs atomic = False.

    `values` maps field names to values, expressions, or callables that are called for each batch.
    After a crash it goes on where it stopped.
    Waits while replicas are more than `max_lag` seconds behind. Going back changes nothing.
    """

    policy_data = True
    policy_retry_safe = True
    atomic = False
    reversible = True
    reduces_to_sql = False

    def __init__(
        self,
        model_name: str,
        values: dict[str, Any],
        where: Q | None = None,
        *,
        batch_size: int = 1000,
        pause: float = 0.0,
        max_lag: float = 5.0,
    ) -> None:
        self.model_name = model_name
        self.values = values
        self.where = where
        self.pace = Pace(batch_size, pause, max_lag)

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        named: dict[str, Any] = {"batch_size": self.pace.batch_size}
        named |= {"pause": self.pace.pause, "max_lag": self.pace.max_lag}
        if self.where is not None:
            named["where"] = self.where
        return type(self).__name__, [self.model_name, self.values], named

    def state_forwards(self, app_label: str, state: Any) -> None:
        """Change nothing: rows are not state."""

    def describe(self) -> str:
        return f"Fill {', '.join(self.values)} of {self.model_name} in batches"

    def database_forwards(
        self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any
    ) -> None:
        model = to_state.apps.get_model(app_label, self.model_name)
        connection = schema_editor.connection
        if schema_editor.collect_sql or not self.allow_migrate_model(connection.alias, model):
            return
        catalog.require_autocommit(schema_editor, "BackfillInBatches")
        rows = model._base_manager.using(connection.alias).order_by("pk")
        if self.where is not None:
            rows = rows.filter(self.where)

        def next_key(after: Any, size: int) -> Any:
            left = rows if after is None else rows.filter(pk__gt=after)
            keys = list(left.values_list("pk", flat=True)[:size])
            return keys[-1] if keys else None

        def update(after: Any, upto: Any) -> int:
            batch = rows.filter(pk__lte=upto)
            if after is not None:
                batch = batch.filter(pk__gt=after)
            return int(batch.order_by().update(**self._given()))

        name = f"{app_label}.{self.model_name.lower()}: {', '.join(sorted(self.values))}"
        run_batches(
            connection,
            name,
            next_key,
            update,
            pace=self.pace,
            total=rows.count(),
            to_key=model._meta.pk.to_python,
        )

    def _given(self) -> dict[str, Any]:
        """Return the values of one batch: a callable, such as a field's default, is called."""
        return {
            name: value() if callable(value) and not hasattr(value, "resolve_expression") else value
            for name, value in self.values.items()
        }

    def database_backwards(
        self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any
    ) -> None:
        """Change nothing: the column that was filled goes with its own operation."""


class UpdateInBatches(Operation):
    """`UPDATE table SET … WHERE …` by key ranges, written as SQL. Needs atomic = False."""

    policy_data = True
    policy_retry_safe = True
    atomic = False
    reversible = True
    reduces_to_sql = False

    def __init__(
        self,
        table: str,
        assignments: str,
        where: str = "",
        *,
        key: str = "id",
        batch_size: int = 1000,
        pause: float = 0.0,
        max_lag: float = 5.0,
    ) -> None:
        self.table = table
        self.assignments = assignments
        self.where = where
        self.key = key
        self.pace = Pace(batch_size, pause, max_lag)

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        named = {
            "where": self.where,
            "key": self.key,
            "batch_size": self.pace.batch_size,
            "pause": self.pace.pause,
            "max_lag": self.pace.max_lag,
        }
        return type(self).__name__, [self.table, self.assignments], named

    def state_forwards(self, app_label: str, state: Any) -> None:
        """Change nothing: rows are not state."""

    def describe(self) -> str:
        return f"Update {self.table} in batches"

    def database_forwards(
        self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any
    ) -> None:
        if schema_editor.collect_sql:
            return
        catalog.require_autocommit(schema_editor, "UpdateInBatches")
        update_in_batches(
            schema_editor,
            self.table,
            self.assignments,
            self.where or "true",
            key=self.key,
            pace=self.pace,
        )

    def database_backwards(
        self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any
    ) -> None:
        """Change nothing."""


def update_in_batches(
    editor: Any, table: str, assignments: str, where: str, *, key: str, pace: Pace
) -> int:
    """Run the update range by range. `assignments` and `where` are trusted SQL of a migration."""
    quote = editor.quote_name
    target, column = quote(table), quote(key)
    connection = editor.connection

    def query(sql: str, params: list[Any]) -> Any:
        with connection.cursor() as cursor:
            cursor.execute(sql, params)
            return cursor.fetchone() if cursor.description else cursor.rowcount

    text = where.replace("%", "%%")

    def next_key(after: Any, size: int) -> Any:
        start = "true" if after is None else f"{column} > %s"
        sql = (
            f"SELECT max({column}) FROM (SELECT {column} FROM {target} "  # noqa: S608  # names are quoted, the rest is the migration's
            f"WHERE ({text}) AND {start} ORDER BY {column} LIMIT {size}) AS batch"
        )
        return query(sql, [] if after is None else [after])[0]

    def update(after: Any, upto: Any) -> int:
        start = "true" if after is None else f"{column} > %s"
        sql = (
            f"UPDATE {target} SET {assignments.replace('%', '%%')} "  # noqa: S608  # as above
            f"WHERE ({text}) AND {start} AND {column} <= %s"
        )
        return int(query(sql, [upto] if after is None else [after, upto]))

    total = query(f"SELECT count(*) FROM {target} WHERE {text}".replace("%%", "%"), None or [])[0]  # noqa: S608  # as above
    name = f"{table}: {assignments}"
    return run_batches(connection, name, next_key, update, pace=pace, total=total)
