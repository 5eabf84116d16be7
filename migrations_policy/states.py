"""Small project states: an operation's model and what it refers to, instead of the whole project.

Django renders every model anew after each operation; for the SQL of one operation that is waste,
and in a project of a thousand migrations it takes minutes. So only the operation's own model is
rendered, reduced to the fields that matter where that is safe, and of the models it refers to
their keys alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from django.db.migrations import utils
from django.db.migrations.state import ModelState, ProjectState

ModelKey = tuple[str, str]
resolve_relation: Any = getattr(utils, "resolve_relation")  # noqa: B009  # missing in the stubs

KEPT_STATES = 8  # of each model; operations in a row need the same two or three
KEPT_OPTIONS = {"db_table", "proxy", "abstract", "swappable", "managed", "db_tablespace"}


@dataclass(frozen=True, slots=True)
class Need:
    """What an operation needs of its model: all of it, or (`fields`) some fields and the keys."""

    app_label: str
    name: str | None
    fields: frozenset[str] | None = None
    others: bool = False


@dataclass(slots=True)
class Cutter:
    """Cuts small states out of a project's state; the last ones of each model are kept."""

    _cache: dict[ModelKey, dict[Any, ProjectState]] = field(default_factory=dict)

    def cut(self, state: ProjectState, need: Need) -> ProjectState:
        """Return a state with the model and what rendering it takes.

        The whole state, cloned, when a model it refers to has no migrations.
        """
        if need.name is None or (need.app_label, need.name.lower()) not in state.models:
            return ProjectState()
        key = (need.app_label, need.name.lower())
        models = _needed(state, key, need)
        if models is None:
            return state.clone()
        signature = _signature(models)
        known = self._cache.setdefault(key, {})
        found = known.pop(signature, None) or ProjectState(models)
        known[signature] = found
        if len(known) > KEPT_STATES:
            del known[next(iter(known))]
        return found

    def forget(self) -> None:
        """Drop what is kept: an operation that renames may have changed fields in place."""
        self._cache.clear()


def _needed(
    state: ProjectState, key: ModelKey, need: Need
) -> dict[tuple[str, str], ModelState] | None:
    whole = {key, *(_referrers(state, key) if need.others else ())}
    models: dict[tuple[str, str], ModelState] = {}
    queue = sorted(whole)  # in an order, so that the SQL has one
    while queue:
        current = queue.pop()
        if current in models:
            continue
        model = state.models.get(current)
        if model is None:
            return None
        if current not in whole:
            model = _reduced(model, frozenset())
        elif need.fields is not None:
            model = _reduced(model, need.fields)
        else:
            model = model.clone()
        models[current] = model
        queue += _references(model)
    return models


def _reduced(model: ModelState, wanted: frozenset[str]) -> ModelState:
    """Return a copy with its keys and the wanted fields, without indexes and constraints."""
    fields = {
        name: item
        for name, item in model.fields.items()
        if name in wanted or item.primary_key or item.unique or _is_parent_link(item)
    }
    is_composite = any(type(item).__name__ == "CompositePrimaryKey" for item in fields.values())
    if is_composite or any(getattr(item, "generated", False) for item in fields.values()):
        fields = dict(model.fields)
    options = {key: value for key, value in model.options.items() if key in KEPT_OPTIONS}
    return ModelState(model.app_label, model.name, list(fields.items()), options, model.bases)


def _is_parent_link(item: Any) -> bool:
    return bool(getattr(getattr(item, "remote_field", None), "parent_link", False))


def _signature(models: dict[ModelKey, ModelState]) -> tuple[Any, ...]:
    """Return what tells two sets of models apart; the objects named live as long as the cache."""
    return tuple(
        (
            key,
            model.name,
            tuple((name, id(item)) for name, item in model.fields.items()),
            tuple((name, repr(value)) for name, value in sorted(model.options.items())),
        )
        for key, model in sorted(models.items())
    )


def _references(model: ModelState) -> Iterator[ModelKey]:
    """Yield the models that rendering this one needs."""
    for item in model.fields.values():
        remote: Any = getattr(item, "remote_field", None)
        for target in (getattr(remote, "model", None), getattr(remote, "through", None)):
            if target is not None:
                app, name = resolve_relation(target, model.app_label, model.name)
                yield app, name.lower()
    for base in model.bases:
        if isinstance(base, str):
            app, _, name = base.partition(".")
            yield app, name.lower()


def _referrers(state: ProjectState, key: ModelKey) -> Iterator[ModelKey]:
    for other, model in state.models.items():
        if other != key and key in _references(model):
            yield other
