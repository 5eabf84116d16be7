"""Client-side deadlines, for servers that neither answer nor close.

A stopped process (SIGSTOP), a frozen virtual machine or a firewall that forgot a connection holds
a query for ever, whatever the server's `statement_timeout` says, for it is the server that would
have to keep it. So a watchdog thread shuts the socket, and the driver sees its peer go. Both
drivers wait for their socket, psycopg2 in C and psycopg 3 in its own loop, and both wake up.
"""

import os
import socket
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import Generic, TypeVar

from django.db import OperationalError

T = TypeVar("T")
Extend = Callable[[], bool]


_asked: ContextVar[float | None] = ContextVar("dbrouting_deadline", default=None)
asked_deadline = _asked.get


@contextmanager
def query_deadline(seconds: float) -> Iterator[None]:
    """Give reads from replicas in the block `seconds` to answer (reports, exports)."""
    if seconds <= 0:
        raise ValueError(f"A deadline is a number of seconds above 0, not {seconds!r}.")
    token = _asked.set(seconds)
    try:
        yield
    finally:
        _asked.reset(token)


class Fuse:
    """The deadline of one connection: lit before a query, put out after it.

    Owns a duplicate of the socket's descriptor, so that shutting it can never hit a number that
    the process has given to another file meanwhile.
    """

    __slots__ = ("__weakref__", "_due", "_extend", "_lock", "_seconds", "_socket", "is_blown")

    def __init__(self, descriptor: int) -> None:
        self._socket = socket.socket(fileno=os.dup(descriptor))
        self._lock = threading.Lock()
        self._due: float | None = None
        self._seconds = 0.0
        self._extend: Extend | None = None
        self.is_blown = False

    def light(self, seconds: float | None, extend: Extend | None = None) -> None:
        """Shut the connection unless `put_out` comes within `seconds` (None: never).

        With `extend`, a fuse that is due asks it first whether to wait as long again.
        """
        if seconds is not None:
            self._extend = extend
            self._seconds = seconds
            self._due = time.monotonic() + seconds
            _watchdog.wake()

    def put_out(self) -> None:
        """The answer is here."""
        with self._lock:
            self._due = None

    def check(self, now: float) -> float | None:
        """Blow if due; return when it will be (None: not lit)."""
        with self._lock:
            if self._due is None or now < self._due:
                return self._due
            if self._extend is not None and self._extend():
                self._due = now + self._seconds
                return self._due
            self.is_blown = True
            self._due = None
            with suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)
        return None

    def close(self) -> None:
        """Give the duplicate descriptor back."""
        with self._lock:
            self._due = None
            self._socket.close()


class _Watchdog:
    """One thread for all fuses of the process; sleeps while none is lit."""

    TICK = 0.02

    def __init__(self) -> None:
        self._fuses: weakref.WeakSet[Fuse] = weakref.WeakSet()
        self._lock = threading.Lock()
        self._lit = threading.Event()
        self._is_running = False

    def add(self, fuse: Fuse) -> None:
        with self._lock:
            self._fuses.add(fuse)
            if not self._is_running:
                self._is_running = True
                threading.Thread(target=self._run, name="dbrouting-watchdog", daemon=True).start()

    def wake(self) -> None:
        if not self._lit.is_set():
            self._lit.set()

    def _run(self) -> None:
        while True:
            self._lit.wait()
            self._lit.clear()
            if self._sweep():
                self._lit.set()
            time.sleep(self.TICK)

    def _sweep(self) -> bool:
        with self._lock:
            fuses = list(self._fuses)
        now = time.monotonic()
        dues = [fuse.check(now) for fuse in fuses]
        return any(due is not None for due in dues)


_watchdog = _Watchdog()


def _forget_threads() -> None:
    # A forked child has the fuses of its parent's connections but none of its threads.
    global _watchdog
    _watchdog = _Watchdog()


os.register_at_fork(after_in_child=_forget_threads)


def new_fuse(descriptor: int) -> Fuse:
    """A fuse for the connection with this file descriptor, watched from now on."""
    fuse = Fuse(descriptor)
    _watchdog.add(fuse)
    return fuse


class _Call(Generic[T]):
    """A call in a thread of its own that may be abandoned."""

    def __init__(self, call: Callable[[], T], abandon: Callable[[T], None]) -> None:
        self.result: T | None = None
        self.error: BaseException | None = None
        self.done = threading.Event()
        self._call = call
        self._abandon = abandon
        self._lock = threading.Lock()
        self._is_abandoned = False

    def run(self) -> None:
        try:
            result = self._call()
        except BaseException as error:  # noqa: BLE001 - handed to the waiting thread as it is
            self.error = error
        else:
            with self._lock:
                is_wanted = not self._is_abandoned
                self.result = result
            if not is_wanted:
                self._abandon(result)
        self.done.set()

    def give_up(self) -> bool:
        """True if the call had not ended: whatever it returns later is abandoned."""
        with self._lock:
            self._is_abandoned = self.result is None and self.error is None
            return self._is_abandoned


def connect_within(seconds: float, connect: Callable[[], T], close: Callable[[T], None]) -> T:
    """Call `connect()`, waiting `seconds` at most; a late connection is closed.

    libpq's `connect_timeout` counts whole seconds and not below two. Raises OperationalError
    ("timed out") or what `connect` raised.
    """
    call = _Call(connect, close)
    threading.Thread(target=call.run, name="dbrouting-connect", daemon=True).start()
    if not call.done.wait(seconds) and call.give_up():
        raise OperationalError(f"connecting timed out after {seconds:g} s (client-side deadline)")
    if call.error is not None:
        raise call.error
    return call.result  # type: ignore[return-value]  # None only with an error
