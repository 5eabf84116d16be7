"""The groups of rows as they stand in a database, not as somebody loaded them some time ago.

Inside a transaction the rows are locked, so that nobody moves them on before it commits.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

from django.db import connections
from django.db.models import Model, QuerySet

from .model_groups import ModelGroups

MOST_ROWS: Final = 50_000
"""A change of more rows purges everything: to name them would cost more than it saves."""
_CHUNK: Final = 5_000
"""Keys in one query; SQLite takes 32,766."""


@dataclass(frozen=True, slots=True)
class StoredRows:
    """What one query found. `values` of the groups' fields: none where code computes groups."""

    keys: Sequence[Any]
    groups: set[str]
    values: Sequence[Mapping[str, object]]

    @property
    def are_too_many(self) -> bool:
        """Whether there are more than anybody names."""
        return len(self.keys) > MOST_ROWS


def locks(using: str) -> bool:
    """Whether rows of the database `using` can be locked. SQLite needs none: who has read in a
    transaction writes to what they read, or not at all."""
    connection = connections[using]
    return bool(connection.features.has_select_for_update and connection.in_atomic_block)


def read(groups: ModelGroups, rows: QuerySet[Any]) -> StoredRows:
    """`rows`, locked; of too many, one more than `MOST_ROWS`."""
    features = connections[rows.db].features
    if locks(rows.db):
        rows = rows.select_for_update(no_key=features.has_select_for_no_key_update)
    if features.supports_select_for_update_with_limit:
        rows = rows[: MOST_ROWS + 1]
    if groups.functions:
        found = list(rows)
        return StoredRows(
            [row.pk for row in found], {name for row in found for name in groups.of(row)}, ()
        )
    values = list(rows.values(*dict.fromkeys(("pk", *groups.fields))))
    return StoredRows(
        [row["pk"] for row in values],
        {name for row in values for name in groups.of_values(row)},
        values,
    )


def groups_of_keys(groups: ModelGroups, keys: Iterable[Any], using: str) -> set[str]:
    """The groups of the rows with these keys."""
    if groups.is_by_key_only:
        return {name for key in keys for name in groups.of_key(key)}
    found: set[str] = set()
    remaining = iter(keys)
    while chunk := list(islice(remaining, _CHUNK)):
        found |= read(groups, all_rows(groups.model, using).filter(pk__in=chunk)).groups
    return found


def groups_of_written(groups: ModelGroups, instances: Sequence[Model], using: str) -> set[str]:
    """Those of instances that have just been written: they know, but for what the database
    computed."""
    found: set[str] = set()
    computed: list[Any] = []
    for instance in instances:
        if any(hasattr(value, "resolve_expression") for value in instance.__dict__.values()):
            computed.append(instance.pk)
        else:
            found |= groups.of(instance)
    return found | groups_of_keys(groups, computed, using)


def all_rows(model: type[Model], using: str) -> QuerySet[Any]:
    """Those of `model`, whatever its own managers leave out."""
    return model._base_manager.using(using).order_by()
