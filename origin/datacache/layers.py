"""The levels of this process, put together: one process level, one clock, one link to Redis."""

from __future__ import annotations

import contextlib
import logging
import math
import os
import random
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextvars import Context
from pathlib import Path
from typing import Any

from django.db import close_old_connections
from django.utils import translation

from ..databases import is_routed
from . import stats
from .clock import ALL, Clock, Message
from .conf import Settings, get_settings
from .demand import NOTHING, Demand
from .entry import Entry
from .lease import Flights, Renewer
from .listener import Listener
from .neighbours import Neighbours, default_path
from .process_layer import Held, ProcessLayer
from .redis_link import Away, RedisLink
from .request_layer import request_level
from .shared_layer import Command, Commands, Names

logger = logging.getLogger("twopass.datacache")

MAX_PENDING = 100_000
"""Groups that wait for Redis; more become "everything"."""


class Levels:
    """Everything but the request level. `trusted_until`: on `time.time`, until when what others
    invalidate is known to have been heard."""

    def __init__(self, conf: Settings) -> None:
        self.conf = conf
        self.process = ProcessLayer(conf.process_bytes)
        self.clock = Clock(self._heard, self._missed, self.process.clear)
        self.flights = Flights(conf.wait)
        self.guard = conf.lsn_guard and is_routed()
        """Whether loads may come from replicas, so that it matters how new they are."""
        self.trusted_until = math.inf
        self.link: RedisLink | None = None
        names = Names(conf.prefix)
        self.commands = Commands(names, conf.longest_life, conf.stream_length, self.guard)
        self.renewer = Renewer(self._renew, conf.lease)
        # soft → group → its LSN, and which call of `invalidate` was the last to ask for it
        self._pending: dict[bool, dict[str, tuple[int, int]]] = {False: {}, True: {}}
        self._asked = 0
        self._pending_lock = threading.Lock()
        self._delivering = threading.Lock()
        self._refreshers: ThreadPoolExecutor | None = None
        self._refreshing: set[str] = set()
        self._refreshing_lock = threading.Lock()
        self._listening = threading.Lock()
        self._listener: Listener | None = None
        self._neighbours: Neighbours | None = None
        if conf.redis:
            self.link = RedisLink(conf.redis, conf.redis_timeout, conf.redis_pause)
            self.trusted_until = 0.0
        else:
            path = Path(conf.clock_file) if conf.clock_file else default_path(conf.prefix)
            self._neighbours = Neighbours(path, self._heard_beside)
            self.hear()

    def __repr__(self) -> str:
        return f"<Levels: {self.process!r}, {self.link or 'no Redis'}>"

    def listen(self) -> None:
        """Begin to hear of what others invalidate, if that has not begun."""
        if self._listener is not None or self.link is None:
            return
        with self._listening:
            if self._listener is None:
                self._listener = Listener(
                    self.link, self.commands, self.clock, self.conf.bound, self.deliver, self._trust
                )
                threading.Thread(
                    target=self._listener.run, name="twopass-datacache", daemon=True
                ).start()

    def hear(self) -> None:
        """Know what other processes of this machine have invalidated; with Redis, others tell."""
        neighbours = self._neighbours
        if neighbours is None:
            return
        trusted_until = math.inf if neighbours.hear() else 0.0
        if trusted_until != self.trusted_until:
            self.trusted_until = trusted_until
            if neighbours.error:
                logger.warning(
                    "%s: values at hand are used for %g s. Set DATACACHE['REDIS'], or "
                    "'CLOCK_FILE' to a path of its own that all processes may write",
                    neighbours.error,
                    self.conf.bound,
                )

    def _heard_beside(self, groups: tuple[str, ...] | None, soft: bool, lsn: int | None) -> None:
        if groups is None:
            stats.count("gaps")
            groups = (ALL,)
        if lsn is None:
            self.clock.forget_floor()
        self.clock.tell(groups, lsn or 0)
        self.process.invalidate(groups, soft=soft)

    def demand(self, groups: Iterable[str]) -> Demand:
        """How new a load of what belongs to `groups` must be, as far as this process knows."""
        if not self.guard:
            return NOTHING
        return Demand(self.clock.lsn_of(groups), ask=not self.clock.knows_floor)

    def is_trusted(self, held: Held, now: float) -> bool:
        """Whether a value at hand may be used, with Redis or without."""
        if now < self.trusted_until:
            return True
        return now < held.entry.freshness.loaded_at + self.conf.bound

    def keep(self, key: str, entry: Entry, since: int, *, soft: bool = False) -> Held:
        """Have `entry` at hand, unless its groups were invalidated since."""
        fresh, held = entry.freshness, Held(key, entry, 0.0)
        held.soft = soft
        if not soft:
            chance = 1.0 - random.random()  # noqa: S311
            held.good_until = fresh.early(self.conf.beta, chance)
        if self.process.limit:
            self.clock.keep(since, entry.groups, lambda: self.process.put(held))
        return held

    # Invalidation

    def invalidate(self, groups: Iterable[str], *, soft: bool = False, lsn: int = 0) -> None:
        """Drop what belongs to `groups`, here at once and everywhere through Redis.

        When Redis is away it is told later, before this process reads from it again.
        """
        names = tuple(dict.fromkeys(groups))
        if not names:
            return
        self.clock.tell(names, lsn)
        self.process.invalidate(names, soft=soft)
        level = request_level()
        if level is not None:
            level.values.clear()
        if self._neighbours is not None:
            self._neighbours.tell(names, soft=soft, lsn=lsn)
            return
        with self._pending_lock:
            waiting = self._pending[soft]
            self._asked += 1
            for name in names:
                waiting[name] = (max(lsn, waiting.get(name, (0, 0))[0]), self._asked)
            if len(waiting) > MAX_PENDING:
                newest = max(waiting.values())[0]
                waiting.clear()
                waiting[ALL] = (newest, self._asked)
        self.deliver()

    @property
    def has_pending(self) -> bool:
        """Whether Redis has not been told everything."""
        return bool(self._pending[False] or self._pending[True])

    def deliver(self) -> bool:
        """Tell Redis what it has not been told; whether it knows everything now."""
        if self.link is None or not self.has_pending:
            return True
        # one at a time: told twice, it would count as two, and refuse what was loaded in between
        with self._delivering:
            return self._deliver(self.link)

    def _deliver(self, link: RedisLink) -> bool:
        with self._pending_lock:
            taken = {soft: dict(names) for soft, names in self._pending.items()}
        try:
            link.call(self._invalidations(taken))
        except Away:
            return False
        with self._pending_lock:
            for soft, names in taken.items():
                for name, asked in names.items():
                    # the same group may have been invalidated again meanwhile
                    if self._pending[soft].get(name) == asked:
                        del self._pending[soft][name]
        return not self.has_pending

    def _invalidations(self, pending: dict[bool, dict[str, tuple[int, int]]]) -> list[Command]:
        return [
            self.commands.invalidate(list(names), soft=soft, lsn=max(names.values())[0])
            for soft, names in pending.items()
            if names
        ]

    def _trust(self, at: float) -> None:
        self.trusted_until = at + self.conf.bound

    def _heard(self, message: Message) -> None:
        self.process.invalidate(message.groups, message.clock, soft=message.soft)

    def _missed(self) -> None:
        stats.count("gaps")
        logger.warning("invalidations were missed: everything at hand is dropped")
        self.process.clear()

    # Background work

    def refresh(self, key: str, work: Callable[[], Any]) -> bool:
        """Do `work` on a thread of its own, once for each key at a time; whether it will be."""
        if self.conf.refreshers == 0:
            return False
        with self._refreshing_lock:
            # too much to do: the value expires, and whoever asks then loads it
            if key in self._refreshing or len(self._refreshing) > 100 * self.conf.refreshers:
                return False
            if self._refreshers is None:
                self._refreshers = ThreadPoolExecutor(self.conf.refreshers, "twopass-refresh")
            self._refreshing.add(key)
        language = translation.get_language()
        self._refreshers.submit(Context().run, self._refreshed, key, work, language)
        return True

    def _refreshed(self, key: str, work: Callable[[], Any], language: str | None) -> None:
        close_old_connections()
        try:
            with translation.override(language):
                work()
        except Exception:
            logger.exception("%s could not be loaded anew", key)
        finally:
            self._refreshing.discard(key)
            close_old_connections()

    def _renew(self, pairs: list[tuple[str, str]]) -> None:
        if self.link is None or not self.link.may_try:
            return
        with contextlib.suppress(Away):
            self.link.call([self.commands.renew(*pair, self.conf.lease) for pair in pairs])

    def close(self) -> None:
        """End what runs in the background; tell Redis what it has not been told."""
        self.deliver()
        if self._listener is not None:
            self._listener.close()
        if self._refreshers is not None:
            self._refreshers.shutdown(wait=True, cancel_futures=True)
        if self.link is not None:
            self.link.close()
        if self._neighbours is not None:
            self._neighbours.close()


_levels: Levels | None = None
_lock = threading.Lock()


def get_levels() -> Levels:
    """The levels of this process."""
    global _levels
    levels = _levels
    if levels is None:
        with _lock:
            if _levels is None:
                _levels = Levels(get_settings())
            levels = _levels
    return levels


def reset_levels() -> None:
    """Begin again with empty levels: after a fork, a change of settings, between tests."""
    global _levels
    with _lock:
        levels, _levels = _levels, None
    if levels is not None:
        levels.close()


def _forget_in_child() -> None:
    global _levels, _lock
    _levels, _lock = None, threading.Lock()


os.register_at_fork(after_in_child=_forget_in_child)


def now() -> float:
    """The clock that entries are dated with: all machines' own, so they should run NTP."""
    return time.time()
