"""The cache groups that a model's rows belong to, declared on the model or beside it.

    class Product(models.Model):
        two_pass_groups = ("product:{pk}", "category:{category_id}")

For a model of others: `declare_groups(Page, "page:{pk}")`. A function of the instance may stand in
place of a text, and `two_pass_groups` may be a method.
"""

from __future__ import annotations

import functools
import string
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from django.db.models import Model

Source: TypeAlias = "str | Callable[[Any], Iterable[str]]"
"""A name with `{field}` placeholders, or a function from an instance to names."""

ATTRIBUTE: Final = "two_pass_groups"
TABLE: Final = "rows:"
"""What groups of all rows of a model begin with."""
_declared: Final[dict[type[Model], tuple[Source, ...]]] = {}
_listeners: Final[list[Callable[[type[Model]], None]]] = []


class BadGroups(ValueError):
    """A declaration of groups that cannot work; the message names the model and the fix."""


@dataclass(frozen=True, slots=True)
class ModelGroups:
    """What to purge when a row of `model` changes. `fields`: attributes that the names hold."""

    model: type[Model]
    names: tuple[str, ...]
    functions: tuple[Callable[[Any], Iterable[str]], ...]
    fields: frozenset[str]

    @property
    def is_by_key_only(self) -> bool:
        """Whether no change of a row can move it from one group to another."""
        return not self.functions and self.fields <= {"pk", self.model._meta.pk.attname}

    def are_rekeyed_by(self, changed: Iterable[str]) -> bool:
        """Whether changing these fields gives rows other keys."""
        key = {"pk", *(name for f in self.model._meta.pk_fields for name in (f.name, f.attname))}
        return not key.isdisjoint(changed)

    def depends_on(self, changed: Iterable[str]) -> bool:
        """Whether changing these fields (by name or attribute) may move a row between groups."""
        if self.functions:
            return True
        return any(_attribute(self.model, name) in self.fields for name in changed)

    def of(self, instance: Model) -> set[str]:
        """The groups of one row."""
        found = self.of_values({name: getattr(instance, name) for name in self.fields})
        for function in self.functions:
            found.update(function(instance))
        return found

    def of_key(self, key: object) -> set[str]:
        """The groups of a row of which names hold the key alone (`is_by_key_only`)."""
        return self.of_values({"pk": key, self.model._meta.pk.attname: key})

    def of_values(self, values: Mapping[str, object]) -> set[str]:
        """The groups that need no instance, from the values of `fields`."""
        return {name.format(**values) for name in self.names}


def table_groups(model: type[Model]) -> tuple[str, ...]:
    """The groups of all rows of `model`, which any change of any row purges: what lists are of.

    Those of the models that it stands on too, through which the same rows may be changed.
    """
    family = (model._meta.concrete_model or model, *model._meta.get_parent_list())
    return tuple(f"{TABLE}{item._meta.label_lower}" for item in family)


def declare_groups(model: type[Model], *sources: Source) -> None:
    """Have rows of `model` belong to these groups, beside those it has. Raises BadGroups."""
    groups = _build(model, (*_declared.get(model, ()), *sources))
    _declared[model] = (*_declared.get(model, ()), *sources)
    if groups is not None:
        for listener in _listeners:
            listener(model)


def groups_of_model(model: type[Model]) -> ModelGroups | None:
    """The declaration for `model`; proxies and children have that of the model they stand on.

    Raises BadGroups.
    """
    family = (model, model._meta.concrete_model or model, *model._meta.get_parent_list())
    sources = [*_own(model), *(source for item in family for source in _declared.get(item, ()))]
    return _build(model, tuple(dict.fromkeys(sources)))


def on_declaration(listener: Callable[[type[Model]], None]) -> None:
    """Call `listener` with each model for which groups are declared from now on."""
    if listener not in _listeners:
        _listeners.append(listener)


def _own(model: type[Model]) -> tuple[Source, ...]:
    value = getattr(model, ATTRIBUTE, ())
    if callable(value):
        return (value,)
    return (value,) if isinstance(value, str) else tuple(value)


@functools.lru_cache(maxsize=1024)
def _build(model: type[Model], sources: tuple[Source, ...]) -> ModelGroups | None:
    names = tuple(source for source in sources if isinstance(source, str))
    functions = tuple(source for source in sources if callable(source))
    if len(names) + len(functions) != len(sources):
        raise BadGroups(f"{model.__name__}.{ATTRIBUTE}: names or functions, not {sources!r}")
    if not sources:
        return None
    fields = frozenset(field for name in names for field in _placeholders(model, name))
    # here, and not with the lists: who changes rows need not know who lists them
    return ModelGroups(model, (*names, *table_groups(model)), functions, fields)


def _placeholders(model: type[Model], name: str) -> Iterable[str]:
    try:
        found = [field for _, field, _, _ in string.Formatter().parse(name) if field is not None]
    except ValueError as error:
        raise BadGroups(f"{model.__name__}: {name!r} is no name of a group ({error})") from error
    for field in found:
        if field != "pk" and _attribute(model, field) is None:
            raise BadGroups(
                f"{model.__name__}: {name!r} names {field!r}, which is no field of its own; write "
                "a function (or a method two_pass_groups) for what is computed"
            )
        if field != "pk" and _attribute(model, field) != field:
            raise BadGroups(
                f"{model.__name__}: write {name.replace('{' + field, '{' + field + '_id')!r}; the "
                f"related object {field!r} would have to be loaded, and its text is no key"
            )
        yield field


def _attribute(model: type[Model], name: str) -> str | None:
    """The attribute in which a row holds the value of field `name`; None for no field."""
    if name == "pk":
        return model._meta.pk.attname
    for field in model._meta.concrete_fields:
        if name in (field.name, field.attname):
            return field.attname
    return None
