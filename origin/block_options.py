"""What `{% second_pass %}` may say beside its arguments: literals, checked when it is compiled."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, cast

from django.core.exceptions import ImproperlyConfigured

from fragments.shell import Scope

from .registry import FragmentOptions

_TEXT: Final = frozenset({"scope", "placeholder", "alt"})
_NAMES: Final = frozenset({"groups", "dimensions", "cookies", "when_cookie"})
_SECONDS: Final = frozenset({"max_age", "stale_while_revalidate", "stale_if_error", "deadline"})
_FLAGS: Final = frozenset({"writes", "concurrent"})

OPTION_NAMES: Final = _TEXT | _NAMES | _SECONDS | _FLAGS
"""Names that no argument of a block can have."""


def options_from(literals: Mapping[str, object]) -> FragmentOptions:
    """The options that a tag's literals spell. Raises ValueError, naming the option and its form.

    Lists of names are one text, parted by commas or blanks.
    """
    values = {
        ("when_cookies" if name == "when_cookie" else name): _value(name, literal)
        for name, literal in literals.items()
    }
    scope = values.pop("scope", "private")
    try:
        return FragmentOptions(scope=cast(Scope, scope), **values)  # type: ignore[arg-type]
    except ImproperlyConfigured as error:
        raise ValueError(str(error)) from error


def _value(name: str, literal: object) -> object:
    if name in _TEXT:
        if not isinstance(literal, str):
            raise ValueError(f"{name}={literal!r}: text in quotes")
        return str.__str__(literal)
    if name in _NAMES:
        if not isinstance(literal, str):
            raise ValueError(f"{name}={literal!r}: names in quotes, parted by commas")
        return tuple(literal.replace(",", " ").split())
    if name in _FLAGS:
        if not isinstance(literal, bool):
            raise ValueError(f"{name}={literal!r}: True or False")
        return literal
    if isinstance(literal, bool) or not isinstance(literal, (int, float)) or literal < 0:
        raise ValueError(f"{name}={literal!r}: seconds, 0 or more")
    return float(literal)
