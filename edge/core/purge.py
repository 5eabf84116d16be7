"""Invalidation of stored responses: what to drop, and the fence that fills in flight run into.

One vocabulary for the admin API, the workers' bus and whatever invalidates from elsewhere.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from edge.core.long_names import short_text

MAX_NAMES: Final = 100_000
"""URLs, groups or prefixes of one invalidation: as many as the fence remembers."""

MAX_NAME_LENGTH: Final = 8192


class InvalidationError(ValueError):
    """An invalidation that cannot be meant; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Invalidation:
    """What to drop: absolute `urls` (with any query, all variants), cache `groups` (RFC 9875),
    absolute URL `prefixes`, or `everything`.

    `soft`: keep as stale, to serve while it is refreshed. `lsn`: position in the primary's log that
    the data behind the next fill must have reached.
    """

    urls: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    prefixes: tuple[str, ...] = ()
    everything: bool = False
    soft: bool = False
    lsn: str | None = None

    @property
    def is_empty(self) -> bool:
        """Whether it names nothing."""
        return not (self.urls or self.groups or self.prefixes or self.everything)

    def to_json(self) -> dict[str, Any]:
        """The form of `POST /purge`."""
        return {
            "urls": list(self.urls),
            "groups": list(self.groups),
            "prefixes": list(self.prefixes),
            "all": self.everything,
            "soft": self.soft,
            "lsn": self.lsn,
        }

    @classmethod
    def from_json(cls, document: object) -> Invalidation:
        """Raises InvalidationError, so that a typing error never purges nothing, or all."""
        if not isinstance(document, dict):
            raise InvalidationError("the body is a JSON object: {'urls': […], 'groups': […], …}")
        unknown = set(document) - {"urls", "groups", "prefixes", "all", "soft", "lsn", "wait"}
        if unknown:
            raise InvalidationError(f"unknown fields: {', '.join(sorted(map(repr, unknown)))}")
        lsn = document.get("lsn")
        if lsn is not None and not isinstance(lsn, str):
            raise InvalidationError("'lsn' is text such as '0/16B3748'")
        found = cls(
            urls=_absolute(_names(document, "urls"), "urls"),
            groups=_names(document, "groups"),
            prefixes=_absolute(_names(document, "prefixes"), "prefixes"),
            everything=_flag(document, "all"),
            soft=_flag(document, "soft"),
            lsn=lsn,
        )
        if found.is_empty:
            raise InvalidationError("nothing to purge: name urls, groups or prefixes, or all: true")
        return found


class Labels:
    """What an invalidation finds a stored response by: its absolute URL and its cache groups.

    Not to be changed. `wire`: the URL as bytes, which `share` lets be those of a key.
    """

    __slots__ = ("groups", "wire")

    def __init__(self, url: str, groups: tuple[str, ...] = ()) -> None:
        self.wire = url.encode()
        self.groups = groups

    @property
    def url(self) -> str:
        """The URL; "" where nothing may find it by one."""
        return self.wire.decode()

    def share(self, key: bytes) -> None:
        """Hold no bytes of its own where the key, which is there anyway, is just the URL."""
        if key == self.wire:
            self.wire = key

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Labels):
            return NotImplemented
        return (self.wire, self.groups) == (other.wire, other.groups)

    def __hash__(self) -> int:
        return hash((self.wire, self.groups))

    def __repr__(self) -> str:
        return f"Labels({self.url!r}, {self.groups!r})"


@dataclass(slots=True)
class Fence:
    """Remembers at which position each name was last invalidated.

    A fill that began at position p may be stored only if nothing that concerns it was invalidated
    after p. Bounded: what is forgotten raises `floor`, and older fills are then refused altogether.
    """

    limit: int = 100_000
    position: int = 0
    floor: int = 0
    _names: OrderedDict[tuple[str, str], int] = field(default_factory=OrderedDict)
    _prefixes: OrderedDict[str, int] = field(default_factory=OrderedDict)
    _everything: int = 0

    def advance(self, invalidation: Invalidation) -> int:
        """Take note of `invalidation`; its position."""
        self.position += 1
        for kind, names in (("url", invalidation.urls), ("group", invalidation.groups)):
            for name in names:
                known = (kind, short_text(name))
                self._names[known] = self.position
                self._names.move_to_end(known)
        for prefix in invalidation.prefixes:
            self._prefixes[prefix] = self.position
            self._prefixes.move_to_end(prefix)
        if invalidation.everything:
            self._everything = self.position
        self._forget()
        return self.position

    def may_store(self, labels: Labels, since: int) -> bool:
        """Whether a response to a request sent at position `since` may still be stored."""
        if since >= self.position:
            return True
        if since < self.floor or self._everything > since:
            return False
        if self._at("url", labels.url) > since:
            return False
        if any(self._at("group", group) > since for group in labels.groups):
            return False
        return not any(
            position > since and labels.url.startswith(prefix)
            for prefix, position in self._prefixes.items()
        )

    def _at(self, kind: str, name: str) -> int:
        return self._names.get((kind, short_text(name)), 0)

    def _forget(self) -> None:
        while len(self._names) > self.limit:
            self.floor = max(self.floor, self._names.popitem(last=False)[1])
        while len(self._prefixes) > 1024:
            self.floor = max(self.floor, self._prefixes.popitem(last=False)[1])


def _names(document: dict[str, object], field_name: str) -> tuple[str, ...]:
    value = document.get(field_name, [])
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise InvalidationError(f"{field_name!r} is a list of text")
    if len(value) > MAX_NAMES:
        raise InvalidationError(f"{field_name!r} has more than {MAX_NAMES} entries; send several")
    if any(not item or len(item) > MAX_NAME_LENGTH for item in value):
        raise InvalidationError(f"{field_name!r}: 1 to {MAX_NAME_LENGTH} characters each")
    return tuple(value)


def _absolute(urls: Iterable[str], field_name: str) -> tuple[str, ...]:
    urls = tuple(urls)
    for url in urls:
        if not url.startswith(("http://", "https://")):
            raise InvalidationError(
                f"{field_name!r}: {url!r} is not absolute; write it as visitors see it, "
                "such as 'https://shop.example/product/42'"
            )
    return urls


def _flag(document: dict[str, object], field_name: str) -> bool:
    value = document.get(field_name, False)
    if not isinstance(value, bool):
        raise InvalidationError(f"{field_name!r} is true or false")
    return value
