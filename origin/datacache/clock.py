"""The clock of versions: when each group was last invalidated, as far as this process knows.

Redis keeps the clock: every invalidation advances it and carries its reading. A process holds a
mirror of what it has heard since it began to listen (`base`), so that entries can be judged
without asking. What is older than that, the shared level has to ask for.
"""

from __future__ import annotations

import enum
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

ALL: Final = "*"
"""The group that every entry belongs to."""
MAX_STAMPS: Final = 100_000


@dataclass(frozen=True, slots=True)
class Message:
    """One invalidation as it travels. `prev`: the clock before; a gap means that one was missed."""

    prev: int
    clock: int
    groups: tuple[str, ...]
    soft: bool = False
    lsn: int = 0


@dataclass(frozen=True, slots=True)
class Stamp:
    """When a group was last invalidated, on the shared clock, and by which transaction."""

    hard: int = 0
    soft: int = 0
    lsn: int = 0

    def merged(self, message: Message) -> Stamp:
        """With one invalidation more."""
        lsn = max(self.lsn, message.lsn)
        if message.soft:
            return Stamp(self.hard, message.clock, lsn)
        return Stamp(message.clock, self.soft, lsn)


class Verdict(enum.Enum):
    """What the clock says of an entry."""

    VALID = "valid"
    SOFT = "stale, but may be shown while it is loaded anew"
    DROPPED = "invalidated"
    UNKNOWN = "older than what this process has heard"


class Clock:
    """The mirror. `on_message` hears of every invalidation once, `on_gap` of missed ones,
    `on_begin` that hearing begins."""

    def __init__(
        self,
        on_message: Callable[[Message], None] = lambda message: None,
        on_gap: Callable[[], None] = lambda: None,
        on_begin: Callable[[], None] = lambda: None,
    ) -> None:
        self._lock = threading.RLock()
        self._on_message = on_message
        self._on_gap = on_gap
        self._on_begin = on_begin
        self._stamps: OrderedDict[str, Stamp] = OrderedDict()
        self._sequences: OrderedDict[str, int] = OrderedDict()
        self._floor = 0
        self.sequence = 0
        """Counts what this process was told, by itself too: it orders its own fills."""
        self.position: int | None = None
        self.base = 0
        self._lsn_floor = 0
        """By a transaction as new as this at least every group counts as invalidated."""
        self.gaps = 0
        """Counts how often it was forgotten what had been invalidated, and by which transaction."""
        self.knows_floor = False
        """Whether what was forgotten is known to be no newer than that."""

    def __repr__(self) -> str:
        return f"<Clock at {self.position}, {len(self._stamps)} groups since {self.base}>"

    def apply(self, messages: Iterable[Message]) -> bool:
        """Take in what was heard, in order; False after a gap, when nothing old may be trusted."""
        with self._lock:
            for message in messages:
                if self.position is not None and message.clock <= self.position:
                    continue
                if message.prev != self.position:
                    self.restart(message.clock)
                    return False
                self.position = message.clock
                self._stamp(message)
                self._on_message(message)
        return True

    def tell(self, groups: Iterable[str], lsn: int = 0) -> None:
        """Invalidate here and now, whatever the shared clock will say of it."""
        names = tuple(groups)
        with self._lock:
            self._number(names)
            for name in names if lsn else ():
                held = self._stamps.pop(name, Stamp())
                self._stamps[name] = Stamp(held.hard, held.soft, max(held.lsn, lsn))
            self._forget_oldest()

    def restart(self, position: int) -> None:
        """Messages were missed: begin anew at `position`, and trust nothing from before."""
        with self._lock:
            self._begin_anew(position)
            self._on_gap()

    def begin(self, position: int) -> None:
        """Begin to hear at `position`, if nobody has begun yet.

        What was loaded before may have been invalidated unheard.
        """
        with self._lock:
            if self.position is not None:
                return
            self._begin_anew(position)
            self._on_begin()

    def forget_floor(self) -> None:
        """Something was invalidated, and nobody knows by which transaction."""
        with self._lock:
            self.gaps += 1
            self.knows_floor = False

    def learn_floor(self, lsn: int, gaps: int) -> None:
        """The primary stood at `lsn` when there had been so many gaps: so all that was forgotten
        till then is no newer."""
        with self._lock:
            if gaps == self.gaps:
                self._lsn_floor = max(self._lsn_floor, lsn)
                self.knows_floor = True

    def judge(self, at: int | None, groups: Iterable[str]) -> Verdict:
        """What is known of an entry whose load began at `at`."""
        if at is None or self.position is None or at < self.base:
            return Verdict.UNKNOWN
        stamps = self._stamps
        if ALL not in stamps and stamps.keys().isdisjoint(groups):
            return Verdict.VALID
        return judge(at, (stamps.get(group) for group in (ALL, *groups)))

    def lsn_of(self, groups: Iterable[str]) -> int:
        """The newest transaction that invalidated one of `groups`, as far as is known here."""
        with self._lock:
            held = [self._stamps.get(name) for name in (ALL, *groups)]
            return max([self._lsn_floor, *(stamp.lsn for stamp in held if stamp is not None)])

    def keep(self, since: int, groups: Iterable[str], action: Callable[[], object]) -> bool:
        """Do `action` if none of `groups` was invalidated after this process counted to `since`.

        Nothing is invalidated meanwhile.
        """
        with self._lock:
            if self._has_moved(since, groups):
                return False
            action()
            return True

    def has_moved(self, since: int, groups: Iterable[str]) -> bool:
        """Whether one of `groups` was, or may have been, invalidated after the count of `since`."""
        with self._lock:
            return self._has_moved(since, groups)

    def _has_moved(self, since: int, groups: Iterable[str]) -> bool:
        if since < self._floor:
            return True
        return any(self._sequences.get(name, 0) > since for name in (ALL, *groups))

    def _begin_anew(self, position: int) -> None:
        # which groups those were is forgotten, and so each may have been one of them
        self._lsn_floor = max([self._lsn_floor, *(item.lsn for item in self._stamps.values())])
        self.forget_floor()
        self._stamps.clear()
        self.position = self.base = position
        self._number((ALL,))

    def _stamp(self, message: Message) -> None:
        for name in message.groups:
            self._stamps[name] = self._stamps.pop(name, Stamp()).merged(message)
        self._forget_oldest()
        self._number(message.groups)

    def _forget_oldest(self) -> None:
        while len(self._stamps) > MAX_STAMPS:
            # entries from before count as unknown: their groups have to be asked for
            _, stamp = self._stamps.popitem(last=False)
            self.base = max(self.base, stamp.hard, stamp.soft)
            self._lsn_floor = max(self._lsn_floor, stamp.lsn)

    def _number(self, groups: Iterable[str]) -> None:
        self.sequence += 1
        for name in groups:
            self._sequences.pop(name, None)
            self._sequences[name] = self.sequence
        while len(self._sequences) > MAX_STAMPS:
            self._floor = max(self._floor, self._sequences.popitem(last=False)[1])


def judge(at: int, stamps: Iterable[Stamp | None]) -> Verdict:
    """The verdict on an entry loaded at `at`, by the stamps of its groups. Pure."""
    verdict = Verdict.VALID
    for stamp in stamps:
        if stamp is None:
            continue
        if stamp.hard > at:
            return Verdict.DROPPED
        if stamp.soft > at:
            verdict = Verdict.SOFT
    return verdict
