"""Leases: one loader for each key, here and among all processes.

A lease lives for a moment and is renewed while its holder works, so that a holder who dies is
missed after that moment and not after a timeout made for the slowest load.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Iterable
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


class Flights:
    """What is being loaded in this process: who comes second waits for the first."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: dict[str, Future[Any]] = {}

    def begin(self, keys: Iterable[str]) -> tuple[dict[str, Future[Any]], dict[str, Future[Any]]]:
        """Keys that are the caller's to load, and those that others are loading."""
        own: dict[str, Future[Any]] = {}
        others: dict[str, Future[Any]] = {}
        with self._lock:
            for key in keys:
                if key in self._open:
                    others[key] = self._open[key]
                else:
                    own[key] = self._open[key] = Future()
        return own, others

    def land(self, key: str, future: Future[Any], result: object) -> None:
        """Hand `result` to those who wait."""
        self._close(key, future)
        future.set_result(result)

    def fail(self, key: str, future: Future[Any]) -> None:
        """Nothing came of it: those who wait look for themselves."""
        self._close(key, future)
        if not future.done():
            future.set_result(None)

    def _close(self, key: str, future: Future[Any]) -> None:
        with self._lock:
            if self._open.get(key) is future:
                del self._open[key]
