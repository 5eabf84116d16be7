"""Leases: one loader for each key, here and among all processes.

A lease lives for a moment and is renewed while its holder works, so that a holder who dies is
missed after that moment and not after a timeout made for the slowest load.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, Final

RENEWALS_PER_LIFE: Final = 3


def new_token() -> str:
    """What tells one holder from all others."""
    return secrets.token_hex(12)


class Renewer:
    """Renews the leases held by this process; its thread runs while there are some.

    `renew(pairs)` gets (key, token) pairs and must not raise. `life` in seconds.
    """

    def __init__(self, renew: Callable[[list[tuple[str, str]]], None], life: float) -> None:
        self._renew = renew
        self._interval = life / RENEWALS_PER_LIFE
        self._condition = threading.Condition()
        self._held: set[tuple[str, str]] = set()
        self._thread: threading.Thread | None = None

    def __repr__(self) -> str:
        return f"<Renewer of {len(self._held)} leases>"

    def hold(self, keys: Iterable[str], token: str) -> None:
        """Renew these from now on."""
        with self._condition:
            self._held.update((key, token) for key in keys)
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._run, name="twopass-leases", daemon=True
                )
                self._thread.start()
            self._condition.notify()

    def drop(self, keys: Iterable[str], token: str) -> None:
        """Do not renew these any more."""
        with self._condition:
            self._held.difference_update((key, token) for key in keys)

    def _run(self) -> None:
        while True:
            with self._condition:
                while not self._held:
                    if not self._condition.wait(30.0) and not self._held:
                        self._thread = None
                        return
            # what is loaded within an interval needs no renewal
            threading.Event().wait(self._interval)
            with self._condition:
                pairs = list(self._held)
            if pairs:
                self._renew(pairs)


@dataclass(frozen=True, slots=True)
class Landing:
    """What came of a flight: what those who waited may have, by key; or why it failed."""

    values: Mapping[str, Any]
    error: Exception | None = None


class Flight:
    """Keys that are loaded together, and what will come of them."""

    __slots__ = ("future", "is_awaited", "keys", "next", "overdue_at", "since")

    def __init__(self, since: int, overdue_at: float) -> None:
        self.keys: list[str] = []
        self.since = since
        """How far the process had counted invalidations when it began."""
        self.overdue_at = overdue_at
        """When nobody waits for it any more, and the next one begins."""
        self.is_awaited = False
        self.next: dict[str, Flight] = {}
        """By key, the flight that one of those began who had waited for this one in vain."""
        self.future: Future[Landing] = Future()


class Flights:
    """What is being loaded in this process: who comes second waits for the first.

    A flight that is overdue is waited for no longer: one of those who have waited begins another,
    and the others wait for that one. So a load that hangs has one more beside it for each `wait`
    seconds, however many readers there are.
    """

    def __init__(self, wait: float) -> None:
        self._wait = wait
        self._lock = threading.Lock()
        self._open: dict[str, Flight] = {}

    def begin(
        self, keys: Iterable[str], since: int, now: float, past: Mapping[str, Flight]
    ) -> tuple[Flight, dict[str, Flight]]:
        """A flight for the keys that are the caller's to load, and the flights of the others.

        `past`: what the caller has waited for in vain. Of all who have, one begins the next.
        """
        own, others = Flight(since, now + self._wait), {}
        with self._lock:
            for key in keys:
                before, flight = past.get(key), self._open.get(key)
                if before is not None and key in before.next:
                    flight = before.next[key]  # even if it has landed
                elif flight is None or flight.overdue_at <= now:
                    for older in (before, flight):
                        if older is not None:
                            older.next[key] = own
                    self._open[key] = own
                    own.keys.append(key)
                    continue
                elif before is not None:
                    before.next[key] = flight
                others[key] = flight
                flight.is_awaited = True
        return own, others

    def land(self, flight: Flight, landing: Landing) -> None:
        """Give those who wait what came of it; for what is missing they look themselves."""
        with self._lock:
            for key in flight.keys:
                if self._open.get(key) is flight:
                    del self._open[key]
        flight.future.set_result(landing)
