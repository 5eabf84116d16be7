"""Names of entries: what is cached, of which shape, for which arguments. Pure."""

from __future__ import annotations

import hashlib
import string
from collections.abc import Mapping, Sequence
from typing import Any, Final

from django.db.models import Model, QuerySet

from .codec import Unstorable, pack

MAX_KEY: Final = 200
"""Characters of a readable key; longer ones end in a digest."""


class BadKey(ValueError):
    """A key or a group that cannot be made of these arguments; the message names the fix."""


def entry_key(label: str, schema: str, ident: str) -> str:
    """The name of an entry; `schema` parts what releases with other shapes have stored."""
    key = f"{label}@{schema}:{ident}"
    if len(key) <= MAX_KEY and key.isprintable():
        return key
    # no colon behind the schema: no short key reads like this, whatever a visitor chooses
    return f"{label[:100]}@{schema}#{hashlib.sha256(key.encode('utf-8', 'replace')).hexdigest()}"


def argument_ident(arguments: Mapping[str, Any]) -> str:
    """A name for these arguments: equal ones of equal types give equal names. Raises BadKey."""
    if not arguments:
        return "-"
    simple = all(type(value) in (int, bool) or value is None for value in arguments.values())
    if simple:
        return ",".join(f"{name}={value}" for name, value in arguments.items())
    try:
        data = pack([[name, _ordered(value)] for name, value in arguments.items()])
    except Unstorable as error:
        raise BadKey(
            f"no key can be made of {', '.join(arguments)}: {error}; give key=…"
        ) from error
    return hashlib.sha256(data).hexdigest()[:32]


def formatted(template: str, arguments: Mapping[str, Any], what: str) -> str:
    """`template` with the arguments in its placeholders. Raises BadKey."""
    try:
        return template.format(**arguments)
    except (KeyError, IndexError, AttributeError, ValueError) as error:
        known = ", ".join(arguments) or "none"
        raise BadKey(
            f"{what} {template!r} does not fit the arguments ({known}): {error!r}"
        ) from error


def name_of(template: str, arguments: Mapping[str, Any]) -> str:
    """As `formatted`, for a key: other texts of the placeholders give another name.

    A visitor may choose some of them, so `{a}:{b}` of "x:y" and "z" must not be that of "x" and
    "y:z", nor "None" that of None. Where it could be, `#` and the lengths of the texts follow.
    Raises BadKey.
    """
    marking = _Marking()
    try:
        text = marking.vformat(template, (), arguments)
    except (KeyError, IndexError, AttributeError, ValueError) as error:
        known = ", ".join(arguments) or "none"
        raise BadKey(f"key {template!r} does not fit the arguments ({known}): {error!r}") from error
    is_clear = len(marking.marks) < 2 and marking.is_clear
    return text if is_clear else f"{text}#{','.join(marking.marks)}"


def told_apart(value: Any) -> Any:
    """`value`, whose text is to name something. Raises BadKey where others may have the same text:
    rows (their `__str__` is for people), queries, and what only shows its address."""
    if _is_anonymous(value):
        raise BadKey(
            f"the text of {type(value).__name__} does not tell it from others: name what does, "
            "as {product.pk}"
        )
    return value


def _is_anonymous(value: Any) -> bool:
    if isinstance(value, dict):
        return any(map(_is_anonymous, (*value, *value.values())))
    if isinstance(value, list | tuple | set | frozenset):
        return any(map(_is_anonymous, value))
    kind: Any = type(value)
    shows_address = kind.__str__ is object.__str__ and kind.__repr__ is object.__repr__
    return shows_address or callable(value) or isinstance(value, Model | QuerySet)


class _Marking(string.Formatter):
    """Notes of each placeholder how long its text is, and whether it stands for no text."""

    def __init__(self) -> None:
        self.marks: list[str] = []
        self.is_clear = True

    def get_field(
        self, field_name: str, args: Sequence[Any], kwargs: Mapping[str, Any]
    ) -> tuple[Any, Any]:
        value, first = super().get_field(field_name, args, kwargs)
        root = kwargs.get(first)
        if value is None and isinstance(root, Model) and root.pk is None:
            raise BadKey(f"{{{field_name}}} is None for every row that is not saved yet")
        return told_apart(value), first

    def format_field(self, value: Any, format_spec: str) -> str:
        text = str(super().format_field(value, format_spec))
        kind = type(value).__name__ if value is None or isinstance(value, bool) else ""
        self.marks.append(f"{kind}{len(text)}")
        self.is_clear = self.is_clear and not kind and "#" not in text
        return text


def _beside_fields(row: Model) -> dict[str, Any]:
    """What a query has put on a row: annotations, and what is prefetched by another name."""
    fields = {field.attname for field in row._meta.concrete_fields}
    return {
        name: value
        for name, value in row.__dict__.items()
        # what the class knows by this name is a cached property
        if not name.startswith("_") and name not in fields and not hasattr(type(row), name)
    }


def _ordered(value: Any) -> Any:
    """Sets and dicts in one order, whatever order they were made in; rows with what is on them."""
    if isinstance(value, Model):
        return [value, _ordered(_beside_fields(value))]
    if isinstance(value, dict):
        items = [[_ordered(key), _ordered(item)] for key, item in value.items()]
        return {"dict": sorted(items, key=pack)}
    if isinstance(value, set | frozenset):
        return {"set": sorted((_ordered(item) for item in value), key=pack)}
    if isinstance(value, list | tuple):
        return [type(value).__name__, *(_ordered(item) for item in value)]
    return value
