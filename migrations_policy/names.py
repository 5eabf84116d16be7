"""The names an operation carries (model, field, constraint), under one vocabulary."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .describe import serialized

MODEL_OPERATIONS = frozenset(
    {
        "AlterIndexTogether",
        "AlterModelManagers",
        "AlterModelOptions",
        "AlterModelTable",
        "AlterModelTableComment",
        "AlterOrderWithRespectTo",
        "AlterUniqueTogether",
        "CreateModel",
        "DeleteModel",
    }
)


@dataclass(frozen=True, slots=True)
class Names:
    """Which model and field an operation is about, before and after it."""

    model: str | None = None
    old_model: str | None = None
    field: str | None = None
    old_field: str | None = None
    name: str | None = None
    constraint_source: str | None = None
    removes_model: bool = False


def names_of(operation: Any) -> Names:
    """Return the names of an operation; all None for one that is about no model."""
    kind = type(operation).__name__
    model = getattr(operation, "model_name", None)
    name = getattr(operation, "name", None)
    if kind == "RenameModel":
        return Names(operation.new_name, operation.old_name)
    if kind == "RenameField" or getattr(operation, "policy_renames_field", False):
        return Names(model, model, operation.new_name, operation.old_name)
    if model is None:
        removes = bool(getattr(operation, "policy_removes_model", False))
        is_about_model = kind in MODEL_OPERATIONS or removes
        return Names(name, name, removes_model=removes) if is_about_model else Names()
    constraint = getattr(operation, "constraint", None) or getattr(operation, "index", None)
    if constraint is not None:
        return Names(model, model, None, None, constraint.name, serialized(constraint))
    field = getattr(operation, "policy_field", None)
    if field is None and (getattr(operation, "field", None) is not None or "Field" in kind):
        field = name
    return Names(model, model, field, field) if field else Names(model, model, name=name)


def concerns_others(operation: Any) -> bool:
    """Return whether models that refer to the operation's model matter for its SQL."""
    kind = type(operation).__name__
    if kind in {"RenameModel", "RenameField", "AlterModelTable"}:
        return True
    field = getattr(operation, "field", None)
    is_key = bool(field is not None and (field.primary_key or field.unique))
    return kind == "AlterField" and is_key


PLAIN_FIELD_OPERATIONS = frozenset({"AddField", "AlterField", "RemoveField", "SetNotNullSafely"})


def needed_fields(operation: Any, names: Names) -> frozenset[str] | None:
    """Return the fields an operation needs besides keys; None when it may need all."""
    field = getattr(operation, "field", None)
    if type(operation).__name__ in PLAIN_FIELD_OPERATIONS and names.field:
        is_made = bool(getattr(field, "generated", False)) or bool(
            getattr(field, "many_to_many", 0)
        )
        return None if is_made else frozenset({names.field})
    index = getattr(operation, "index", None)
    if index is not None and not (index.expressions or index.condition or index.include):
        return frozenset(name for name, _ in index.fields_orders)
    return None
