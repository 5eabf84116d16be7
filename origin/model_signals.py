"""Saving, deleting and relating rows of a model with groups purges them, on commit.

A save also purges the groups that the row belongs to in the database: what moves from one category
to another is on the pages of both, and whoever loaded it a while ago may not know where it is now.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Sequence
from typing import Any, Final, cast

from django.apps import apps
from django.contrib.auth.signals import user_logged_out
from django.db.models import ManyToManyField, Model
from django.db.models.signals import (
    m2m_changed,
    post_delete,
    post_save,
    pre_delete,
    pre_save,
)

from . import delete_effects
from .invalidation import invalidate_groups
from .model_groups import BadGroups, groups_of_model, on_declaration
from .stored_groups import groups_of_keys, groups_of_written

_BEFORE: Final = "_twopass_groups_before"


def connect() -> None:
    """Watch every model with groups, now and later, and the users. For `AppConfig.ready`.

    Signals are connected per model: a receiver for all would make Django load every row it deletes.
    """
    for model in apps.get_models(include_auto_created=False):
        with contextlib.suppress(BadGroups):  # twopass.E014 says so, better than a traceback here
            if groups_of_model(model) is not None:
                watch(model)
    on_declaration(_watch_family)
    if apps.is_installed("django.contrib.auth"):
        _watch_users()


def _watch_family(model: type[Model]) -> None:
    """`model`, its proxies and its children: each sends signals of its own."""
    for found in apps.get_models(include_auto_created=False):
        if issubclass(found, model):
            watch(found)


def watch(model: type[Model]) -> None:
    """Watch `model`; a second time changes nothing."""
    uid = f"twopass.groups.{model._meta.label}"
    pre_save.connect(_remember, sender=model, dispatch_uid=uid)
    post_save.connect(_saved, sender=model, dispatch_uid=uid)
    pre_delete.connect(_leaving, sender=model, dispatch_uid=uid)
    post_delete.connect(_deleted, sender=model, dispatch_uid=uid)
    delete_effects.watch(model)
    for through in _throughs(model):
        # one receiver for both sides, even where both have groups
        uid = f"twopass.groups.{through._meta.label}"
        m2m_changed.connect(_related, sender=through, dispatch_uid=uid)


def _throughs(model: type[Model]) -> Iterable[type[Model]]:
    for field in model._meta.get_fields(include_hidden=True):
        if isinstance(field, ManyToManyField):
            yield cast("type[Model]", field.remote_field.through)
        elif field.many_to_many and field.auto_created:
            yield field.through  # type: ignore[union-attr]  # a ManyToManyRel has one


def _remember(sender: type[Model], instance: Model, using: str, **_: object) -> None:
    """Before a save: the groups of the row as it stands in the database."""
    groups = groups_of_model(sender)
    before: set[str] = set()
    if groups is not None and not groups.is_by_key_only and _may_be_stored(instance):
        before = groups_of_keys(groups, [instance.pk], using)
    instance.__dict__[_BEFORE] = before


def _may_be_stored(instance: Model) -> bool:
    """Whether Django may find a row to update; it also looks for one of a new instance with a key
    given by hand."""
    if instance.pk is None:
        return False
    key: Sequence[Any] = instance._meta.pk_fields
    has_new_key = all(field.has_default() or field.has_db_default() for field in key)
    return not (instance._state.adding and has_new_key)


def _saved(sender: type[Model], instance: Model, using: str, **_: object) -> None:
    before: set[str] = instance.__dict__.pop(_BEFORE, set())
    groups = groups_of_model(sender)
    if groups is not None:
        _purge(before | groups_of_written(groups, [instance], using), using)


def _leaving(sender: type[Model], instance: Model, using: str, origin: object, **_: object) -> None:
    """Before a delete: who asked for it may have loaded the row a while ago. What a queryset or a
    cascade deletes has just been loaded."""
    groups = groups_of_model(sender)
    if groups is not None and not groups.is_by_key_only and origin is instance:
        _purge(groups_of_keys(groups, [instance.pk], using), using)


def _deleted(sender: type[Model], instance: Model, using: str, **_: object) -> None:
    groups = groups_of_model(sender)
    if groups is not None:
        _purge(groups.of(instance), using)


def _related(sender: type[Model], instance: Model, action: str, using: str, **sent: Any) -> None:
    """After rows were related, or parted; `pk_set` are those of `model` on the other side."""
    model, pk_set = sent["model"], sent["pk_set"]
    if action == "pre_clear":
        # afterwards nobody knows any more what was cleared
        _purge(_groups_of_related(sender, instance, model, using), using)
        return
    if not action.startswith("post_"):
        return
    found: set[str] = set()
    own = groups_of_model(type(instance))
    if own is not None:
        found |= groups_of_keys(own, [instance.pk], using)
    others = groups_of_model(model)
    if others is not None and pk_set:
        found |= groups_of_keys(others, pk_set, using)
    _purge(found, using)


def _groups_of_related(
    through: type[Model], instance: Model, model: type[Model], using: str
) -> set[str]:
    others = groups_of_model(model)
    if others is None:
        return set()
    rows = through._base_manager.using(using)
    keys: set[Any] = set()
    for field in through._meta.fields:
        target = field.remote_field.model if field.remote_field else None
        if target is not None and issubclass(type(instance), target):
            for row in rows.filter(**{field.attname: instance.pk}):
                keys |= _keys_of(row, model)
    return groups_of_keys(others, keys, using)


def _keys_of(row: Model, model: type[Model]) -> set[Any]:
    return {
        getattr(row, field.attname)
        for field in row._meta.fields
        if field.remote_field is not None and issubclass(model, field.remote_field.model)
    }


def _watch_users() -> None:
    """Every private fragment belongs to `user:<key>`: what others change about a user shows."""
    from django.contrib.auth import get_user_model

    model = get_user_model()
    post_save.connect(_user_saved, sender=model, dispatch_uid="twopass.user")
    post_delete.connect(_user_deleted, sender=model, dispatch_uid="twopass.user")
    user_logged_out.connect(_user_logged_out, dispatch_uid="twopass.user")
    for through in _throughs(model):
        m2m_changed.connect(_user_related, sender=through, dispatch_uid="twopass.user")


def _user_saved(
    instance: Model, using: str, update_fields: frozenset[str] | None = None, **_: object
) -> None:
    # a login saves this field alone, and gives the visitor a new session anyway
    if update_fields != frozenset({"last_login"}):
        invalidate_groups(f"user:{instance.pk}", using=using)


def _user_deleted(instance: Model, using: str, **_: object) -> None:
    invalidate_groups(f"user:{instance.pk}", using=using)


def _user_logged_out(user: Model | None, **_: object) -> None:
    if user is not None:
        invalidate_groups(f"user:{user.pk}")


def _user_related(instance: Model, action: str, using: str, **sent: Any) -> None:
    """A user's groups or permissions, from either side."""
    from django.contrib.auth import get_user_model

    if not action.startswith("post_"):
        return
    keys = {instance.pk} if isinstance(instance, get_user_model()) else set(sent["pk_set"] or ())
    _purge({f"user:{key}" for key in keys}, using)


def _purge(groups: Iterable[str], using: str) -> None:
    invalidate_groups(*sorted(set(groups)), using=using)
