"""Receipts: what a request that purged something waits for before it is answered."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator
from contextvars import ContextVar
from dataclasses import dataclass, field

from asgiref.sync import sync_to_async

from .conf import get_settings


class Receipt:
    """Whether the edges have applied one purge."""

    def __init__(self, edges: int) -> None:
        self._lock = threading.Lock()
        self._open = edges
        self._done = threading.Event()
        if edges == 0:
            self._done.set()

    def __repr__(self) -> str:
        return "<Receipt done>" if self.is_done else f"<Receipt: {self._open} edges to come>"

    @property
    def is_done(self) -> bool:
        """Whether every edge has applied the purge, or could not be reached just now."""
        return self._done.is_set()

    def settle(self) -> None:
        """One edge has applied it (or is known to be away)."""
        with self._lock:
            self._open -= 1
            if self._open <= 0:
                self._done.set()

    def wait(self, timeout: float) -> bool:
        """Wait at most `timeout` seconds; whether it is done."""
        return self._done.wait(timeout)


@dataclass(slots=True)
class Receipts:
    """Those of one request."""

    found: list[Receipt] = field(default_factory=list)

    def add(self, receipt: Receipt) -> None:
        """Wait for this one too."""
        self.found.append(receipt)

    def wait(self, timeout: float) -> bool:
        """Wait at most `timeout` seconds for all of them; whether all are done."""
        end = time.monotonic() + timeout
        return all(receipt.wait(max(0.0, end - time.monotonic())) for receipt in self.found)


_current: ContextVar[Receipts | None] = ContextVar("twopass_receipts", default=None)


@contextlib.contextmanager
def collect_receipts() -> Iterator[Receipts]:
    """Collect the receipts of what is purged inside, on this thread and in what it awaits.

    An outer collection goes on: it gets the inner one's receipts too.
    """
    receipts = Receipts()
    outer = _current.get()
    token = _current.set(receipts)
    try:
        yield receipts
    finally:
        _current.reset(token)
        if outer is not None:
            outer.found += receipts.found


def remember(receipt: Receipt) -> None:
    """Have the request that is being answered, if any, wait for `receipt`."""
    receipts = _current.get()
    if receipts is not None:
        receipts.add(receipt)


def wait_for_receipts(timeout: float | None = None) -> bool:
    """Wait until the purges of the current collection are applied; whether all are.

    At most `timeout` seconds, by default TWOPASS['PURGE_WAIT']. At once where nothing was purged.
    """
    receipts = _current.get()
    if receipts is None or not receipts.found:
        return True
    return receipts.wait(get_settings().purge_wait if timeout is None else timeout)


async def await_receipts(timeout: float | None = None) -> bool:  # noqa: ASYNC109
    """As `wait_for_receipts`, without blocking the event loop."""
    receipts = _current.get()
    if receipts is None or all(receipt.is_done for receipt in receipts.found):
        return True
    return await sync_to_async(wait_for_receipts, thread_sensitive=False)(timeout)
