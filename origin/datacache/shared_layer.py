"""The shared level's commands as data: what to send to Redis, and what its answers mean.

Nothing here talks to Redis; `redis_link` does, for threads and for event loops alike.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import msgpack

from . import scripts
from .clock import ALL, Message, Stamp
from .demand import Demand

Command: TypeAlias = tuple[Any, ...]


def digest_of(script: str) -> str:
    """What EVALSHA wants."""
    return hashlib.sha1(script.encode(), usedforsecurity=False).hexdigest()


STAMP_LIFE_FACTOR: Final = 2
"""Stamps outlive the entries they judge."""
SCRIPTS: Final[Mapping[str, str]] = {
    digest_of(text): text
    for text in (scripts.INVALIDATE, scripts.FILL, scripts.RENEW, scripts.RELEASE)
}
"""By the digest that EVALSHA wants."""


@dataclass(frozen=True, slots=True)
class Names:
    """The keys of one application. The braces keep all of them in one slot of a cluster."""

    prefix: str

    @property
    def clock(self) -> str:
        """The reading of the clock."""
        return f"{{{self.prefix}}}:clock"

    @property
    def stream(self) -> str:
        """The invalidations of late."""
        return f"{{{self.prefix}}}:stream"

    @property
    def floor(self) -> str:
        """How new a load must be where no stamp says so."""
        return f"{{{self.prefix}}}:lsn"

    @property
    def stamps(self) -> str:
        """What names of stamps begin with."""
        return f"{{{self.prefix}}}:g:"

    def stamp(self, group: str) -> str:
        """When a group was invalidated."""
        return f"{self.stamps}{group}"

    def entry(self, key: str) -> str:
        """A stored value."""
        return f"{{{self.prefix}}}:v:{key}"

    def lease(self, key: str) -> str:
        """Who is loading a value."""
        return f"{{{self.prefix}}}:l:{key}"

    def turn(self, key: str) -> str:
        """Who loads a value although another holds its lease, which takes too long."""
        return f"{{{self.prefix}}}:t:{key}"


@dataclass(frozen=True, slots=True)
class Fill:
    """A value to be stored, by whom, and what its load had seen; `asked`: the primary itself stood
    there after the clock had been read."""

    key: str
    token: str
    began: int
    lsn: int
    life: float
    data: bytes
    groups: tuple[str, ...]
    asked: bool = False


class Commands:
    """Builds commands. `longest_life` in seconds."""

    def __init__(self, names: Names, longest_life: float, stream_length: int, guard: bool) -> None:
        self.names = names
        self._stamp_life = int(longest_life * STAMP_LIFE_FACTOR) or 1
        self._stream_length = stream_length
        self._guard = guard

    def read(self, keys: Sequence[str]) -> list[Command]:
        """Entries, and the clock at the same moment or later."""
        return [self.entries(keys), ("GET", self.names.clock)]

    def entries(self, keys: Sequence[str]) -> Command:
        """Entries alone."""
        return ("MGET", *map(self.names.entry, keys))

    def stamps(self, groups: Sequence[str]) -> Command:
        """The stamps of some groups, of which there is at least one."""
        return ("MGET", *(self.names.stamp(group) for group in groups))

    def acquire(self, keys: Sequence[str], token: str, life: float) -> list[Command]:
        """Take the leases of some keys, then read the clock."""
        milliseconds = max(1, int(life * 1000))
        return [
            *(("SET", self.names.lease(key), token, "NX", "PX", milliseconds) for key in keys),
            ("GET", self.names.clock),
        ]

    def take_turns(self, keys: Sequence[str], token: str, life: float) -> list[Command]:
        """Be the one of all who wait that loads too; the next one is when `life` is over."""
        milliseconds = max(1, int(life * 1000))
        return [("SET", self.names.turn(key), token, "NX", "PX", milliseconds) for key in keys]

    def floor(self) -> Command:
        """How new a load must be where no stamp says so."""
        return ("GET", self.names.floor)

    def renew(self, key: str, token: str, life: float) -> Command:
        """Keep a lease."""
        return self._script(scripts.RENEW, [self.names.lease(key)], token, max(1, int(life * 1000)))

    def release(self, key: str, token: str) -> Command:
        """Give a lease back."""
        return self._script(scripts.RELEASE, [self.names.lease(key)], token)

    def fill(self, fill: Fill) -> Command:
        """Store a value, if nothing speaks against it."""
        return self._script(
            scripts.FILL,
            [
                *(self.names.lease(fill.key), self.names.entry(fill.key)),
                *(self.names.clock, self.names.floor),
            ],
            *(fill.token, fill.began, fill.lsn, int(self._guard)),
            *(max(1, int(fill.life * 1000)), fill.data, self.names.stamps),
            *(int(fill.asked), ALL, *fill.groups),
        )

    def invalidate(self, groups: Sequence[str], *, soft: bool, lsn: int) -> Command:
        """Advance the clock for some groups and tell everybody."""
        return self._script(
            scripts.INVALIDATE,
            [self.names.clock, self.names.stream, self.names.floor],
            *(self.names.stamps, self._stamp_life, self._stream_length, int(soft), lsn),
            *(msgpack.packb(list(groups)), *groups),
        )

    def listen(self, position: int, block: float | None) -> Command:
        """What was invalidated after `position`; wait up to `block` seconds for the next."""
        wait = () if block is None else ("BLOCK", max(1, int(block * 1000)))
        return ("XREAD", "COUNT", 1000, *wait, "STREAMS", self.names.stream, f"{position}-0")

    def _script(self, text: str, keys: list[str], *arguments: Any) -> Command:
        return ("EVALSHA", digest_of(text), len(keys), *keys, *arguments)


def as_clock(answer: Any) -> int:
    """The clock's reading; 0 before the first invalidation, and for what is no reading."""
    try:
        found = int(answer or 0)
    except ValueError:
        return 0
    return found if 0 <= found < 2**53 else 0


def as_stamps(answer: Iterable[Any]) -> list[Stamp | None]:
    """Stamps; None for a group that Redis does not know (any more), and for what is no stamp."""
    return [None if item is None else _as_stamp(item) for item in answer]


def _as_stamp(text: bytes) -> Stamp | None:
    try:
        hard, soft, lsn = map(int, text.split())
    except ValueError:
        return None
    return Stamp(hard, soft, lsn)


def as_demand(floor: bytes | None, stamps: Iterable[Stamp | None]) -> Demand:
    """How new a load must be, by the stamps of all its groups and the floor under them."""
    try:
        base, highest = map(int, (floor or b"").split())
    except ValueError:
        base, highest = -1, 0  # nobody has asked, or Redis has forgotten it
    known = [highest if stamp is None else stamp.lsn for stamp in stamps]
    return Demand(max([0, base, *known]), ask=base < 0)


class BadMessage(ValueError):
    """Something in the stream that none of us has put there."""


def as_messages(answer: Any) -> list[Message]:
    """What XREAD gave, under either protocol. Raises BadMessage."""
    if not answer:
        return []
    streams = list(answer.values()) if isinstance(answer, dict) else [part[1] for part in answer]
    try:
        return [_as_message(*item) for part in streams for item in _flat(part)]
    except Exception as error:  # whatever somebody may put into a stream
        raise BadMessage(f"the stream of invalidations holds what is none: {error!r}") from error


def _as_message(position: bytes, fields: Mapping[bytes, bytes]) -> Message:
    groups = msgpack.unpackb(fields[b"groups"])
    "".join(groups)  # texts, or a TypeError
    return Message(
        prev=int(fields[b"prev"]),
        clock=int(position.partition(b"-")[0]),
        groups=tuple(groups),
        soft=fields[b"soft"] == b"1",
        lsn=int(fields[b"lsn"]),
    )


def _flat(part: Any) -> Any:
    # RESP3 wraps the entries of a stream in one list more
    return part[0] if len(part) == 1 and part and isinstance(part[0][0], list | tuple) else part
