"""Structured Fields (RFC 9651) behind one typed door: the `http-sf` library does the work.

A field that does not parse as a whole counts as not sent: guessing at half of it is how two
parsers come to disagree.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

import http_sf


@dataclass(frozen=True, slots=True)
class Member:
    """A list or dictionary member: a bare item (None stands for an inner list) and parameters."""

    value: object
    parameters: Mapping[str, object]

    @property
    def string(self) -> str | None:
        """The text of a String; None for every other type, Tokens included."""
        return self.value if type(self.value) is str else None

    @property
    def token(self) -> str | None:
        """The text of a Token."""
        return str(self.value) if isinstance(self.value, http_sf.Token) else None


def _member(parsed: Any) -> Member:
    bare, parameters = parsed
    return Member(None if isinstance(bare, list) else bare, parameters)


def parse_list(value: bytes) -> list[Member] | None:
    """The members of a List; None when it does not parse."""
    try:
        parsed = http_sf.parse(value, tltype="list")
    except ValueError:
        return None
    return [_member(member) for member in cast("list[Any]", parsed)]


def parse_dictionary(value: bytes) -> dict[str, Member] | None:
    """The members of a Dictionary, the last of equal keys; None when it does not parse."""
    try:
        parsed = http_sf.parse(value, tltype="dictionary")
    except ValueError:
        return None
    return {key: _member(member) for key, member in cast("dict[str, Any]", parsed).items()}
