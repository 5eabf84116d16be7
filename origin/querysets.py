"""Querysets that purge what they change without loading it.

Django sends no signals for `update`, `bulk_create` and `bulk_update`:

    class Product(models.Model):
        objects = InvalidatingManager()

or, for a queryset of one's own, `class ProductQuerySet(InvalidatingQuerySet): …`. Models with
groups whose managers do neither are named by the system check twopass.W007.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any, TypeVar, cast

from django.db import transaction
from django.db.models import Manager, Model, QuerySet

from . import stored_groups
from .invalidation import invalidate_all, invalidate_groups
from .met_rows import MetRows
from .model_groups import ModelGroups, groups_of_model
from .stored_groups import StoredRows
from .written_values import written_values

M = TypeVar("M", bound=Model, covariant=True)


class InvalidatingQuerySet(QuerySet[M, M]):
    """Purges the groups of the rows it changes, before and after, on commit.

    `delete()` needs nothing: with the model's signals connected Django sends them for each row.
    """

    def update(self, **kwargs: Any) -> int:
        """As Django's; one query more to learn which rows it is about, and to lock them."""
        groups = groups_of_model(self.model)
        if groups is None:
            return super().update(**kwargs)
        alias = self._write_alias()
        with transaction.atomic(using=alias, savepoint=False):
            rows = stored_groups.read(groups, self._chosen(alias))
            if rows.are_too_many or groups.are_rekeyed_by(kwargs):
                changed = super().update(**kwargs)
                invalidate_all(using=alias)
                return changed
            chosen = self.using(alias)
            if stored_groups.locks(alias):
                # these alone: another row that came to match meanwhile has groups nobody knows
                chosen = chosen.filter(pk__in=rows.keys)
            changed = super(InvalidatingQuerySet, chosen).update(**kwargs)
            self._result_cache = None
            found = rows.groups | _groups_after(groups, rows, kwargs, alias)
            invalidate_groups(*sorted(found), using=alias)
        return changed

    update.alters_data = True  # type: ignore[attr-defined]  # templates must not call it

    def bulk_create(
        self,
        objs: Iterable[M],
        batch_size: int | None = None,
        ignore_conflicts: bool = False,
        update_conflicts: bool = False,
        update_fields: Collection[str] | None = None,
        unique_fields: Collection[str] | None = None,
    ) -> list[M]:
        """As Django's; with `update_conflicts` the rows that are there are read before."""
        groups = groups_of_model(self.model)
        options: dict[str, Any] = {
            "batch_size": batch_size,
            "ignore_conflicts": ignore_conflicts,
            "update_conflicts": update_conflicts,
            "update_fields": update_fields,
            "unique_fields": unique_fields,
        }
        if groups is None:
            return super().bulk_create(objs, **options)
        alias = self._write_alias()
        objs = list(objs)
        with transaction.atomic(using=alias, savepoint=False):
            met = MetRows(groups, objs, unique_fields, alias)
            found = met.groups() if update_conflicts else set()
            made = super().bulk_create(objs, **options)
            found |= stored_groups.groups_of_written(groups, made, alias)
            if update_conflicts or met.have_unknown_keys:
                found |= met.groups()
                if not met.can_be_found:
                    invalidate_all(using=alias)
            invalidate_groups(*sorted(found), using=alias)
        return made

    bulk_create.alters_data = True  # type: ignore[attr-defined]

    # bulk_update() runs update() for each batch, and so purges too

    def _chosen(self, alias: str) -> QuerySet[Any]:
        """The rows of this queryset, whatever its query looks like, as a query that can lock."""
        chosen = self.using(alias).order_by().values("pk")
        chosen.query.select_for_update = False
        return stored_groups.all_rows(self.model, alias).filter(pk__in=chosen)

    def _write_alias(self) -> str:
        writer = self.all()
        cast(Any, writer)._for_write = True  # so that the router is asked for writing
        return str(writer.db)


def _groups_after(
    groups: ModelGroups, rows: StoredRows, changes: Mapping[str, object], alias: str
) -> set[str]:
    """Where an update moved `rows`: a query only if its values do not say so."""
    if not groups.depends_on(changes):
        return set()
    written = None if groups.functions else written_values(groups, changes)
    if written is None:
        return stored_groups.groups_of_keys(groups, rows.keys, alias)
    return {name for row in rows.values for name in groups.of_values({**row, **written})}


class InvalidatingManager(Manager.from_queryset(InvalidatingQuerySet)):  # type: ignore[misc]
    """Django's manager with `InvalidatingQuerySet`."""
