"""What an update writes, known without asking the database again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from django.db.models import (
    AutoField,
    CharField,
    Field,
    ForeignKey,
    IntegerField,
    Model,
    TextField,
    UUIDField,
)

from .model_groups import ModelGroups

_PLAIN: Final = (IntegerField, AutoField, CharField, TextField, UUIDField)


def plain_field(field: Field[Any, Any]) -> Field[Any, Any] | None:
    """The field whose values `field` holds, if databases and Python write these values alike."""
    while isinstance(field, ForeignKey):
        field = field.target_field
    return field if isinstance(field, _PLAIN) else None


def written_values(
    groups: ModelGroups, changes: Mapping[str, object]
) -> Mapping[str, object] | None:
    """The new values of the fields that names of groups hold, as rows will have them after
    `update(**changes)`; None where only the database can say."""
    written: dict[str, object] = {}
    for name, value in changes.items():
        field: Any = groups.model._meta.get_field(name)
        if field.attname not in groups.fields:
            continue
        plain = plain_field(field)
        # a field of the project's own may store another value than it is given
        if plain is None or not type(plain).__module__.startswith("django."):
            return None
        if hasattr(value, "resolve_expression"):
            return None
        if isinstance(value, Model):
            value = getattr(value, field.target_field.attname)
        written[field.attname] = plain.to_python(value)
    return written
