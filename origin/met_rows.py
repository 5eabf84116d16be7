"""The rows that a `bulk_create` meets: an upsert changes them, and their keys are not its own."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any, Final

from django.db.models import Model, Q

from . import stored_groups
from .model_groups import ModelGroups

_CHUNK: Final = 200
"""Instances in one query; SQLite takes 1,000 conditions."""


class MetRows:
    """Rows with the unique values of `instances`, before and after these are written."""

    def __init__(
        self,
        groups: ModelGroups,
        instances: Sequence[Model],
        unique_fields: Collection[str] | None,
        using: str,
    ) -> None:
        self._groups = groups
        self._instances = instances
        self._using = using
        self._sets = [*_unique_sets(groups.model, unique_fields)]

    @property
    def have_unknown_keys(self) -> bool:
        """Whether instances were not told their keys, which names of groups hold."""
        names_hold_keys = bool(self._groups.fields & {"pk", self._groups.model._meta.pk.attname})
        return names_hold_keys and any(instance.pk is None for instance in self._instances)

    @property
    def can_be_found(self) -> bool:
        """Whether each has a key, or other unique values to be found by."""
        return all(
            any(_values(instance, fields) for fields in self._sets) for instance in self._instances
        )

    def groups(self) -> set[str]:
        """Those of the rows as they stand now."""
        found: set[str] = set()
        rows = stored_groups.all_rows(self._groups.model, self._using)
        for start in range(0, len(self._instances), _CHUNK):
            for fields in self._sets:
                like = self._like(self._instances[start : start + _CHUNK], fields)
                if like is not None:
                    found |= stored_groups.read(self._groups, rows.filter(like)).groups
        return found

    def _like(self, instances: Iterable[Model], fields: tuple[str, ...]) -> Q | None:
        wanted = [values for instance in instances if (values := _values(instance, fields))]
        if not wanted:
            return None
        if len(fields) == 1:
            return Q(**{f"{fields[0]}__in": [values[fields[0]] for values in wanted]})
        return Q(*(Q(**values) for values in wanted), _connector=Q.OR)


def _unique_sets(model: type[Model], chosen: Collection[str] | None) -> Iterator[tuple[str, ...]]:
    """The fields that tell rows apart: those chosen, or else every set that does."""
    meta: Any = model._meta
    if chosen:
        yield tuple(meta.pk.attname if name == "pk" else _attname(meta, name) for name in chosen)
        return
    yield from ((field.attname,) for field in meta.concrete_fields if field.unique)
    sets = (*meta.unique_together, *(item.fields for item in meta.total_unique_constraints))
    yield from (tuple(_attname(meta, name) for name in names) for names in sets)


def _attname(meta: Any, name: str) -> str:
    return str(meta.get_field(name).attname)


def _values(instance: Model, fields: tuple[str, ...]) -> dict[str, Any] | None:
    """What `instance` is told by; None where a value is missing, or only the database knows it."""
    values = {name: getattr(instance, name) for name in fields}
    is_known = all(v is not None and not hasattr(v, "resolve_expression") for v in values.values())
    return values if is_known else None
