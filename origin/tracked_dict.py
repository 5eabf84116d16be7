"""A dict that tells what is read of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from .plain_copy import plain_copy


class TrackedDict(dict[str, Any]):
    """A dict that tells a function which keys are read, present or not, and when all are."""

    def __init__(
        self,
        values: Mapping[str, Any],
        read: Callable[[str], None],
        read_all: Callable[[], None],
    ) -> None:
        # wrapping another one is no reading
        super().__init__(values if type(values) is dict else plain_copy(values))
        self._read = read
        self._read_all = read_all

    def __getitem__(self, key: str) -> Any:
        self._read(key)
        return super().__getitem__(key)

    def __contains__(self, key: object) -> bool:
        self._read(str(key))
        return super().__contains__(key)

    def get(self, key: str, default: Any = None) -> Any:
        """As dict.get, recorded."""
        self._read(key)
        return super().get(key, default)

    def __iter__(self) -> Iterator[str]:
        self._read_all()
        return super().__iter__()

    def __len__(self) -> int:
        # also what `if request.COOKIES` asks
        self._read_all()
        return super().__len__()

    def __eq__(self, other: object) -> bool:
        self._read_all()
        return super().__eq__(other)

    __hash__ = None  # as of any dict

    def __repr__(self) -> str:
        self._read_all()
        return super().__repr__()

    def keys(self) -> Any:
        """As dict.keys, recorded as reading all."""
        self._read_all()
        return super().keys()

    def items(self) -> Any:
        """As dict.items, recorded as reading all."""
        self._read_all()
        return super().items()

    def values(self) -> Any:
        """As dict.values, recorded as reading all."""
        self._read_all()
        return super().values()

    def copy(self) -> dict[str, Any]:
        """As dict.copy, recorded as reading all."""
        self._read_all()
        return plain_copy(self)
