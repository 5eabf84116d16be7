"""Facts about Django's fields and models, read from the historical state."""

from __future__ import annotations

from typing import Any, Literal

from django.db import models
from django.db.migrations.serializer import serializer_factory

from .facts import FieldFacts, FieldSource, ModelFacts


def serialized(value: Any) -> str:
    """Return a value as the source Django would write into a migration file."""
    if isinstance(value, models.Field):
        return str(field_source(value))
    text = str(serializer_factory(value).serialize()[0])
    return text.replace("django.db.models.deletion.", "models.")


def field_source(field: models.Field[Any, Any]) -> FieldSource:
    """Return the field as source, option by option."""
    _, path, args, kwargs = field.deconstruct()
    if path.startswith("django.db.models."):
        path = path.replace("django.db.models.", "models.").replace("models.fields.", "models.")
    elif path.startswith("django.contrib.postgres.fields."):
        path = "postgres_fields." + path.rpartition(".")[2]
    return FieldSource(
        path,
        tuple(serialized(value) for value in args),
        tuple((key, serialized(value)) for key, value in sorted(kwargs.items())),
    )


def _default_kind(field: Any) -> Literal["none", "constant", "callable"]:
    if field.has_default():
        return "callable" if callable(field.default) else "constant"
    if not field.null and field.blank and field.empty_strings_allowed:
        return "constant"  # Django fills "" for such a field while it adds the column
    return "none"


def default_source(field: Any) -> str | None:
    """Return the source of a field's Python default; None without one, or when it has none."""
    if not isinstance(field, models.Field) or not field.has_default():
        return None
    try:
        return serialized(field.default)
    except ValueError:  # a lambda, say
        return None


def _generated(field: Any) -> Literal["stored", "virtual"] | None:
    if not getattr(field, "generated", False):
        return None
    return "stored" if field.db_persist else "virtual"


def _safe_type(field: Any, connection: Any) -> str | None:
    try:
        value = field.db_type(connection)
    except Exception:  # noqa: BLE001  # a field of an unavailable extension still has its other facts
        return None
    return str(value) if value is not None else None


def field_facts(field: Any, connection: Any, with_source: bool = False) -> FieldFacts:
    """Return the facts of one field of a rendered historical model."""
    remote = getattr(field, "remote_field", None)
    target: Any = getattr(remote, "model", None)
    references = target._meta.db_table if hasattr(target, "_meta") else None
    through: Any = getattr(remote, "through", None)
    return FieldFacts(
        field.name,
        field.column,
        _safe_type(field, connection),
        field.get_internal_type(),
        field_source(field) if with_source else FieldSource(""),
        null=field.null,
        default=_default_kind(field),
        has_db_default=field.has_db_default() if hasattr(field, "has_db_default") else False,
        unique=field.unique,
        primary_key=field.primary_key,
        indexed=bool(field.db_index),
        references=references if not field.many_to_many else None,
        db_constraint=bool(getattr(field, "db_constraint", True)),
        generated=_generated(field),
        many_to_many=bool(field.many_to_many),
        through=through._meta.db_table if hasattr(through, "_meta") else None,
    )


def model_facts(model: Any, connection: Any, with_source: frozenset[str]) -> ModelFacts:
    """Return the facts of a rendered model; only fields named in `with_source` carry source."""
    meta = model._meta
    fields = [*meta.local_fields, *meta.local_many_to_many]
    return ModelFacts(
        meta.app_label,
        meta.object_name,
        meta.db_table,
        tuple(field_facts(field, connection, field.name in with_source) for field in fields),
        meta.managed and not meta.proxy,
    )
