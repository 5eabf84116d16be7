"""Leases: one loader for each key, here and among all processes.

A lease lives for a moment and is renewed while its holder works, so that a holder who dies is
missed after that moment and not after a timeout made for the slowest load.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future
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


class Flight:
    """Keys that are loaded together, and what will come of them."""

    __slots__ = ("future", "keys")

    def __init__(self) -> None:
        self.keys: list[str] = []
        self.future: Future[Mapping[str, Any]] = Future()


class Flights:
    """What is being loaded in this process: who comes second waits for the first."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: dict[str, Flight] = {}

    def begin(self, keys: Iterable[str]) -> tuple[Flight, dict[str, Flight]]:
        """A flight for the keys that are the caller's to load, and the flights of the others."""
        own, others = Flight(), {}
        with self._lock:
            for key in keys:
                flight = self._open.get(key)
                if flight is None:
                    self._open[key] = own
                    own.keys.append(key)
                else:
                    others[key] = flight
        return own, others

    def land(self, flight: Flight, results: Mapping[str, Any]) -> None:
        """Hand `results` by key to those who wait; for what is missing they look themselves."""
        with self._lock:
            for key in flight.keys:
                self._open.pop(key, None)
        flight.future.set_result(results)
