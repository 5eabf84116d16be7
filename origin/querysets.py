"""Querysets that purge what they change without loading it.

Django sends no signals for `update`, `bulk_create` and `bulk_update`:

    class Product(models.Model):
        objects = InvalidatingManager()

or, for a queryset of one's own, `class ProductQuerySet(InvalidatingQuerySet): …`. Models with
groups whose managers do neither are named by the system check twopass.W007.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, TypeVar, cast

from django.db import transaction
from django.db.models import Manager, Model, QuerySet

from .invalidation import invalidate_groups
from .model_groups import ModelGroups, groups_of_model
from .model_signals import groups_before

M = TypeVar("M", bound=Model, covariant=True)


class InvalidatingQuerySet(QuerySet[M, M]):
    """Purges the groups of the rows it changes, before and after, on commit.

    `delete()` needs nothing: with the model's signals connected Django sends them for each row.
    """

    def update(self, **kwargs: Any) -> int:
        """As Django's; one query more to learn which rows it is about."""
        groups = groups_of_model(self.model)
        if groups is None:
            return super().update(**kwargs)
        alias = self._write_alias()
        with transaction.atomic(using=alias, savepoint=False):
            # the keys first: what is updated may no longer match the filter afterwards
            keys, found = self._concerned(groups, alias)
            changed = super().update(**kwargs)
            if groups.depends_on(kwargs):
                found |= groups_before(groups, keys, alias)
            invalidate_groups(*sorted(found), using=alias)
        return changed

    update.alters_data = True  # type: ignore[attr-defined]  # templates must not call it

    def bulk_create(self, objs: Iterable[M], *args: Any, **kwargs: Any) -> list[M]:
        """As Django's."""
        groups = groups_of_model(self.model)
        if groups is None:
            return super().bulk_create(objs, *args, **kwargs)
        alias = self._write_alias()
        with transaction.atomic(using=alias, savepoint=False):
            made = super().bulk_create(objs, *args, **kwargs)
            _purge_instances(groups, made, alias)
        return made

    bulk_create.alters_data = True  # type: ignore[attr-defined]

    # bulk_update() runs update() for each batch, and so purges too

    def _concerned(self, groups: ModelGroups, alias: str) -> tuple[list[Any], set[str]]:
        """The keys of the rows, and their groups: in one query, unless code computes groups."""
        rows = self.using(alias).order_by()
        if groups.functions:
            keys = list(rows.values_list("pk", flat=True))
            return keys, groups_before(groups, keys, alias)
        read = list(rows.values(*dict.fromkeys(("pk", *groups.fields))))
        found = {name for values in read for name in groups.of_values(values)}
        return [values["pk"] for values in read], found

    def _write_alias(self) -> str:
        writer = self.all()
        cast(Any, writer)._for_write = True  # so that the router is asked for writing
        return str(writer.db)


def _purge_instances(groups: ModelGroups, instances: Sequence[Model], alias: str) -> None:
    found: set[str] = set()
    for instance in instances:
        found |= groups.of(instance)
    invalidate_groups(*sorted(found), using=alias)


class InvalidatingManager(Manager.from_queryset(InvalidatingQuerySet)):  # type: ignore[misc]
    """Django's manager with `InvalidatingQuerySet`."""
