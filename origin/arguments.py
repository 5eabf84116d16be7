"""Arguments of tags as they travel: plain values only, the same in every pass."""

from __future__ import annotations

from collections.abc import Mapping

from django.db.models import Model
from django.utils.functional import Promise

from fragments.include import Argument


class UnfitArgument(TypeError):
    """An argument that cannot be signed and sent; the message names what to pass instead."""


def plain_arguments(owner: str, arguments: Mapping[str, object]) -> dict[str, Argument]:
    """`arguments` as plain values; `owner` names the tag in errors. Raises UnfitArgument.

    Safe strings become text, so that they are escaped again in every pass alike, translations are
    made, and numbers of Django's choices become numbers.
    """
    return {name: _plain(owner, name, value) for name, value in arguments.items()}


def is_plain(value: object) -> bool:
    """Whether `value` could travel as an argument."""
    try:
        _plain("", "", value)
    except UnfitArgument:
        return False
    return True


def _plain(owner: str, name: str, value: object) -> Argument:
    if value is None or type(value) in (str, bytes, int, float, bool):
        return value  # type: ignore[return-value]  # the type test above narrows it
    if isinstance(value, (str, Promise)):
        return str.__str__(str(value))
    if isinstance(value, int):  # an IntEnum, a member of IntegerChoices
        return int(value)
    if isinstance(value, float):
        return float(value)
    if isinstance(value, (list, tuple)):
        return [_plain(owner, name, item) for item in value]
    raise UnfitArgument(f"{owner}: argument {name!r} {_fix(name, value)}")


def _fix(name: str, value: object) -> str:
    # a lazy user must not be evaluated for the sake of an error message
    kind = type(value).__name__
    if kind in ("SimpleLazyObject", "LazyObject"):
        return (
            "is the visitor's own object: leave it out, and use it inside, where the context "
            "processors (or the request) provide it"
        )
    if isinstance(value, Model):
        return f"is a {kind}: pass its key ({name}={name}.pk) and read it inside"
    if hasattr(value, "model") and hasattr(value, "query"):
        return f"is a {kind}: pass what it selects by (a key, a slug) and query inside"
    return (
        f"is a {kind}: pass text, numbers, booleans, None, bytes or lists of them "
        f'(for example {name}={name}|stringformat:"s")'
    )
