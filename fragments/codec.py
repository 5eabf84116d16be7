"""Strict msgpack: every value read from the wire is bounded and has the type it should have."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, TypeVar

import msgpack

from .errors import WireError

T = TypeVar("T")

MAX_DOCUMENT: Final = 32 * 1024 * 1024
"""Bytes of one document; nginx and Varnish cap cacheable objects by memory, we by this."""

MAX_ITEMS: Final = 65_536
"""Elements of one list or map, so that a small document cannot ask for a large allocation."""


def pack(value: object) -> bytes:
    """Encode `value`; text and bytes stay apart."""
    return bytes(msgpack.packb(value, use_bin_type=True))


def unpack(data: bytes, limit: int = MAX_DOCUMENT) -> object:
    """Decode one document of at most `limit` bytes, all of `data` and nothing else.

    Raises WireError `size` or `malformed`.
    """
    if len(data) > limit:
        raise WireError("size", f"{len(data)} bytes where at most {limit} are allowed")
    try:
        return msgpack.unpackb(
            data,
            raw=False,
            strict_map_key=True,
            max_str_len=limit,
            max_bin_len=limit,
            max_array_len=MAX_ITEMS,
            max_map_len=MAX_ITEMS,
            max_ext_len=0,
        )
    except (ValueError, msgpack.UnpackException, RecursionError) as error:
        raise WireError("malformed", f"not a msgpack document ({error})") from error


class Fields:
    """A map from the wire, read field by field; unknown fields are ignored (forward compatible)."""

    __slots__ = ("_values", "_what")

    def __init__(self, value: object, what: str) -> None:
        if not isinstance(value, dict) or not all(isinstance(key, str) for key in value):
            raise WireError("type", f"{what} is not a map with text keys")
        self._values: Mapping[str, Any] = value
        self._what = what

    def version(self, supported: int) -> None:
        """Raise WireError `version` unless field `v` is `supported`."""
        found = self.get("v", int)
        if found != supported:
            raise WireError("version", f"{self._what} has version {found}, not {supported}")

    def get(self, name: str, kind: type[T]) -> T:
        """The value of field `name`, which must be of type `kind`. Raises WireError `type`."""
        value = self._values.get(name)
        if kind is float and type(value) is int:
            value = float(value)
        # bool is an int to isinstance, and must not pass for one on the wire
        if type(value) is not kind:
            raise WireError(
                "type", f"{self._what}.{name} is {type(value).__name__}, not {kind.__name__}"
            )
        return value

    def optional(self, name: str, kind: type[T]) -> T | None:
        """As `get`, but an absent field or nil is None."""
        return None if self._values.get(name) is None else self.get(name, kind)

    def seconds(self, name: str) -> float:
        """A finite duration of zero or more seconds. Raises WireError `type`."""
        value = self.get(name, float)
        if not 0 <= value <= 1e10:
            raise WireError("type", f"{self._what}.{name} is {value}, not a duration in seconds")
        return value

    def items(self, name: str) -> list[object]:
        """A list of anything."""
        value: list[object] = self.get(name, list)
        return value

    def texts(self, name: str) -> tuple[str, ...]:
        """A list of text."""
        return texts(self.get(name, list), f"{self._what}.{name}")

    def pairs(self, name: str) -> tuple[tuple[str, str], ...]:
        """A list of pairs of text."""
        return tuple(
            _pair(texts(item, f"{self._what}.{name}"), f"{self._what}.{name}")
            for item in self.items(name)
        )

    def choice(self, name: str, values: tuple[str, ...]) -> str:
        """One of `values`. Raises WireError `type`."""
        value = self.get(name, str)
        if value not in values:
            raise WireError("type", f"{self._what}.{name} is {value!r}, not one of {values}")
        return value


def texts(value: object, what: str) -> tuple[str, ...]:
    """`value` as a tuple of text. Raises WireError `type`."""
    if not isinstance(value, list) or not all(type(item) is str for item in value):
        raise WireError("type", f"{what} is not a list of text")
    return tuple(value)


def _pair(value: tuple[str, ...], what: str) -> tuple[str, str]:
    if len(value) != 2:
        raise WireError("type", f"{what} holds {len(value)} items where a pair is due")
    return value[0], value[1]
