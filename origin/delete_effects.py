"""What a delete changes elsewhere without a signal, purged too, on commit.

- Rows whose foreign key becomes NULL, a default or another value (`SET_NULL`, `SET_DEFAULT`,
  `SET(…)`, and what Django 6 has the database do): an UPDATE of which nobody hears.
- Rows that the database deletes by itself (`DB_CASCADE`), and what hangs on those.
- Rows of automatic many-to-many tables: both sides are parted.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, TypeAlias

from django.apps import apps
from django.db.models import CASCADE, DO_NOTHING, PROTECT, RESTRICT, Model, deletion
from django.db.models.signals import post_delete, pre_delete

from . import stored_groups
from .invalidation import invalidate_all, invalidate_groups
from .model_groups import groups_of_model

_AFFECTED: Final = "_twopass_affected"
_DB_CASCADE: Final = getattr(deletion, "DB_CASCADE", None)
_LOUD: Final = (CASCADE, PROTECT, RESTRICT, DO_NOTHING)
"""Nothing changes, or with the model's own signals. What DO_NOTHING leaves to do is its user's."""

Affected: TypeAlias = dict[type[Model], set[Any]]
"""Keys of rows, by model."""


def watch(model: type[Model]) -> None:
    """Hear of deletes that change rows of `model`; a second time changes nothing."""
    uid = "twopass.effects"
    for target in dict.fromkeys(_targets(model)):
        for sender in _senders(target):
            pre_delete.connect(_remember, sender=sender, dispatch_uid=uid)
            post_delete.connect(_purge, sender=sender, dispatch_uid=uid)


def _senders(target: type[Model]) -> Iterator[type[Model]]:
    """`target` and its proxies, each of which sends signals of its own."""
    for model in apps.get_models():
        if model._meta.concrete_model is target._meta.concrete_model:
            yield model


def _targets(model: type[Model]) -> Iterator[type[Model]]:
    """The models whose deletes change rows of `model` silently."""
    for field in _foreign_keys(model):
        if _is_silent(field):
            yield from _deleted_with(field.remote_field.model, set())
    for relation in _relations(model):
        if relation.field.model._meta.auto_created:
            yield from (field.remote_field.model for field in _other_ends(relation.field))


def _deleted_with(model: type[Model], seen: set[type[Model]]) -> Iterator[type[Model]]:
    """`model`, and those whose deletes make the database delete its rows."""
    if model not in seen:
        seen.add(model)
        yield model
        for field in _foreign_keys(model):
            if field.remote_field.on_delete is _DB_CASCADE:
                yield from _deleted_with(field.remote_field.model, seen)


def _foreign_keys(model: type[Model]) -> list[Any]:
    fields = model._meta.concrete_fields
    return [field for field in fields if field.many_to_one or field.one_to_one]


def _is_silent(field: Any) -> bool:
    return field.remote_field.on_delete not in _LOUD


def _relations(model: type[Model]) -> Iterator[Any]:
    """The foreign keys that point to `model`, from their far side."""
    for found in model._meta.get_fields(include_hidden=True):
        if found.auto_created and (found.one_to_many or found.one_to_one) and not found.concrete:
            yield found


def _other_ends(field: Any) -> list[Any]:
    """Of an automatic many-to-many table: its foreign keys beside this one."""
    return [other for other in _foreign_keys(field.model) if other is not field]


def _remember(sender: type[Model], instance: Model, using: str, **_: object) -> None:
    """Before the delete: whom it will change, and their groups."""
    if stored_groups.locks(using):
        # nobody relates another row to this one from now on: a foreign key's check waits for it
        this = stored_groups.all_rows(sender, using).filter(pk=instance.pk)
        list(this.select_for_update().values_list("pk"))
    affected: Affected = {}
    _collect(sender, {instance.pk}, using, affected)
    instance.__dict__[_AFFECTED] = affected
    _purge_rows(affected, using)


def _purge(sender: type[Model], instance: Model, using: str, **_: object) -> None:
    """After the delete: the groups that these rows belong to now."""
    _purge_rows(instance.__dict__.pop(_AFFECTED, {}), using)


def _collect(model: type[Model], keys: set[Any], using: str, affected: Affected) -> None:
    """Add the rows that change when those of `model` with these keys are deleted."""
    for relation in _relations(model):
        field = relation.field
        if field.model._meta.auto_created:
            _collect_parted(field, keys, using, affected)
        elif _is_silent(field):
            for holder in apps.get_models():
                if issubclass(holder, field.model) and not holder._meta.proxy:
                    _collect_changed(holder, field, keys, using, affected)


def _collect_changed(
    holder: type[Model], field: Any, keys: set[Any], using: str, affected: Affected
) -> None:
    is_deleted = field.remote_field.on_delete is _DB_CASCADE
    if groups_of_model(holder) is None and not is_deleted:
        return
    known = affected.setdefault(holder, set())
    new = _keys(holder, "pk", field, keys, using) - known
    known |= new
    if new and is_deleted:
        _collect(holder, new, using, affected)


def _collect_parted(field: Any, keys: set[Any], using: str, affected: Affected) -> None:
    for other in _other_ends(field):
        model = other.remote_field.model
        if groups_of_model(model) is not None:
            found = _keys(field.model, other.attname, field, keys, using)
            affected.setdefault(model, set()).update(found)


def _keys(model: type[Model], attribute: str, field: Any, keys: set[Any], using: str) -> set[Any]:
    rows = stored_groups.all_rows(model, using).filter(**{f"{field.name}__pk__in": keys})
    return set(rows.values_list(attribute, flat=True)[: stored_groups.MOST_ROWS + 1])


def _purge_rows(affected: Affected, using: str) -> None:
    if sum(map(len, affected.values())) > stored_groups.MOST_ROWS:
        invalidate_all(using=using)
        return
    for model, keys in affected.items():
        groups = groups_of_model(model)
        if groups is not None:
            found = stored_groups.groups_of_keys(groups, keys, using)
            invalidate_groups(*sorted(found), using=using)
