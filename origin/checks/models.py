"""Groups of models."""

from __future__ import annotations

from collections.abc import Iterator

from django.apps import apps
from django.core import checks
from django.db.models import Manager, Model

from ..conf import Settings
from ..model_groups import BadGroups, groups_of_model
from ..querysets import InvalidatingQuerySet


def check_declarations(conf: Settings) -> Iterator[checks.CheckMessage]:
    """Declarations of groups can be used."""
    for model in apps.get_models():
        try:
            groups_of_model(model)
        except BadGroups as error:
            yield checks.Error(
                str(error),
                hint='two_pass_groups = ("product:{pk}", "category:{category_id}")',
                obj=model,
                id="twopass.E014",
            )


def check_querysets(conf: Settings) -> Iterator[checks.CheckMessage]:
    """`update()` and its like purge too, on every manager of a model with groups."""
    for model in apps.get_models():
        if not _has_groups(model):
            continue
        for manager in model._meta.managers:
            if not _invalidates(manager):
                yield checks.Warning(
                    f"{model._meta.label}.{manager.name}: update(), bulk_create() and "
                    "bulk_update() purge nothing, since Django sends no signals for them.",
                    hint=f"{manager.name} = InvalidatingManager() (origin.querysets), a queryset "
                    "made from InvalidatingQuerySet, or invalidate_groups(…) after each of them "
                    "and this check in SILENCED_SYSTEM_CHECKS.",
                    obj=model,
                    id="twopass.W007",
                )


def _has_groups(model: type[Model]) -> bool:
    try:
        return groups_of_model(model) is not None
    except BadGroups:
        return False


def _invalidates(manager: Manager[Model]) -> bool:
    # a manager may make its queryset in a get_queryset of its own, so one is made and looked at
    return isinstance(manager.get_queryset(), InvalidatingQuerySet)
