"""What to drop, as the edges' admin API takes it (docs/invalidation.md)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

MAX_NAME: Final = 8192
"""Characters of a URL, prefix or group; the edge takes no longer ones."""
MAX_NAMES: Final = 100_000
"""Names that wait for an edge; beyond, everything is purged: right, though slower to refill."""


class UnfitPurge(ValueError):
    """A purge that cannot be meant; the message says what to pass."""


@dataclass(frozen=True, slots=True)
class Purge:
    """One invalidation: absolute `urls`, cache `groups`, absolute URL `prefixes`, or `everything`.

    `soft`: keep as stale, to serve while it is refreshed. `lsn`: position in the primary's log that
    later first passes must have read, such as '0/16B3748'. Raises UnfitPurge.
    """

    urls: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    prefixes: tuple[str, ...] = ()
    everything: bool = False
    soft: bool = False
    lsn: str | None = None

    def __post_init__(self) -> None:
        for name in (*self.urls, *self.groups, *self.prefixes):
            if not isinstance(name, str) or not 0 < len(name) <= MAX_NAME:
                raise UnfitPurge(f"{name!r:.80} is no name of 1 to {MAX_NAME} characters")
        for url in (*self.urls, *self.prefixes):
            if not url.startswith(("http://", "https://")):
                raise UnfitPurge(
                    f"{url!r} is not absolute: write it as visitors see it, such as "
                    "'https://shop.example/product/42' (request.build_absolute_uri)"
                )

    @property
    def is_empty(self) -> bool:
        """Whether it names nothing."""
        return not (self.urls or self.groups or self.prefixes or self.everything)


@dataclass(slots=True)
class Batch:
    """Purges of one kind (soft or not) that travel together, each name once."""

    soft: bool = False
    everything: bool = False
    lsn: str | None = None
    _names: dict[tuple[str, str], None] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self._names) + self.everything

    def add(self, purge: Purge) -> bool:
        """Take `purge` in; True when that made too many names, so that now all goes."""
        self.lsn = newest_lsn(self.lsn, purge.lsn)
        if purge.everything:
            self._purge_all()
        if self.everything:
            return False
        kinds = (("urls", purge.urls), ("groups", purge.groups), ("prefixes", purge.prefixes))
        self._names.update(((kind, name), None) for kind, names in kinds for name in names)
        if len(self._names) <= MAX_NAMES:
            return False
        self._purge_all()
        return True

    def absorb(self, other: Batch) -> None:
        """Take in a batch that could not be sent."""
        self.lsn = newest_lsn(self.lsn, other.lsn)
        self._names.update(other._names)
        if self.everything or other.everything or len(self._names) > MAX_NAMES:
            self._purge_all()

    def to_purge(self, lsn: str | None) -> Purge:
        """All of it as one, of data that were committed at `lsn`."""
        return Purge(
            urls=self._of("urls"),
            groups=self._of("groups"),
            prefixes=self._of("prefixes"),
            everything=self.everything,
            soft=self.soft,
            lsn=newest_lsn(self.lsn, lsn),
        )

    def to_json(self, wait: float) -> dict[str, Any]:
        """The body of `POST /purge`; the edge answers after `wait` seconds at most."""
        return {
            **{kind: list(self._of(kind)) for kind in ("urls", "groups", "prefixes")},
            "all": self.everything,
            "soft": self.soft,
            "lsn": self.lsn,
            "wait": wait,
        }

    def _of(self, kind: str) -> tuple[str, ...]:
        return tuple(name for found, name in self._names if found == kind)

    def _purge_all(self) -> None:
        self.everything = True
        self._names.clear()


def newest_lsn(*positions: str | None) -> str | None:
    """The latest of some positions in one log; None where there is none."""
    known = [position for position in positions if position]
    return max(known, key=_as_number, default=None)


def _as_number(position: str) -> int:
    high, _, low = position.partition("/")
    return int(high, 16) << 32 | int(low, 16)
