"""The outbox: purges leave on threads of their own, one for each edge, with retry.

An edge that is away delays nobody: its purges wait, come together, and are sent when it is back.
"""

from __future__ import annotations

import atexit
import logging
import os
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from . import counters
from .conf import get_settings
from .purge import Batch, Purge
from .purge_client import Refused, Unreachable, post_purge
from .receipts import Receipt, remember

logger = logging.getLogger("twopass.outbox")

FIRST_PAUSE: Final = 0.2
LONGEST_PAUSE: Final = 30.0
LONGEST_WAIT: Final = 60.0
"""Seconds that an edge holds its answer at most; it refuses a purge that asks for more."""
FLUSH: Final = 5.0
"""Seconds that a process which ends gives its last purges."""


@dataclass(slots=True)
class _Waiting:
    """What has not been sent to one edge."""

    hard: Batch = field(default_factory=Batch)
    soft: Batch = field(default_factory=lambda: Batch(soft=True))
    receipts: list[Receipt] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.hard) + len(self.soft)


class Sender:
    """Sends purges to one edge; its thread starts with the first purge.

    `send(batch)` raises Unreachable or Refused. `uniform(a, b)` gives the jitter.
    """

    def __init__(
        self,
        edge: str,
        send: Callable[[Batch], None],
        uniform: Callable[[float, float], float] = random.uniform,
    ) -> None:
        self.edge = edge
        self._send = send
        self._uniform = uniform
        self._condition = threading.Condition()
        self._waiting = _Waiting()
        self._sending = False
        self._failures = 0
        self._closed = False
        self._thread: threading.Thread | None = None

    def __repr__(self) -> str:
        state = f"failed {self._failures} times" if self._failures else "well"
        return f"<Sender to {self.edge}: {len(self._waiting)} names waiting, {state}>"

    def offer(self, purge: Purge, receipt: Receipt) -> None:
        """Have `purge` sent soon, and `receipt` settled then."""
        with self._condition:
            batch = self._waiting.soft if purge.soft else self._waiting.hard
            if batch.add(purge):
                counters.count("purge_overflow", self.edge)
                logger.error("too many names wait for edge %s: purging everything", self.edge)
            if self._failures:
                receipt.settle()  # whoever purged cannot bring it back by waiting
            else:
                self._waiting.receipts.append(receipt)
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._run, name=f"twopass-outbox {self.edge}", daemon=True
                )
                self._thread.start()
            self._condition.notify_all()

    @property
    def has_sent_all(self) -> bool:
        """Whether nothing waits, nor is on its way."""
        with self._condition:
            return self._is_idle

    def flush(self, timeout: float) -> bool:
        """Try what waits once more, now; whether all was sent within `timeout` seconds."""
        with self._condition:
            self._failures = 0
            self._condition.notify_all()
            self._condition.wait_for(lambda: self._is_idle or self._has_failed, timeout)
            return self._is_idle

    def close(self) -> None:
        """End the thread; what still waits is dropped."""
        with self._condition:
            self._closed = True
            self._condition.notify_all()

    @property
    def _is_idle(self) -> bool:
        return not self._waiting and not self._sending

    @property
    def _has_failed(self) -> bool:
        return self._failures > 0 and not self._sending

    def _run(self) -> None:
        while True:
            with self._condition:
                self._condition.wait_for(lambda: self._closed or len(self._waiting) > 0)
                if self._closed:
                    return
                taken, self._waiting = self._waiting, _Waiting()
                self._sending = True
            self._deliver(taken)
            with self._condition:
                self._sending = False
                self._condition.notify_all()
                if self._failures:
                    # `flush` ends the pause by setting the failures to zero
                    self._condition.wait_for(
                        lambda: self._closed or not self._failures, self._pause()
                    )

    def _deliver(self, taken: _Waiting) -> None:
        for batch in (taken.hard, taken.soft):
            if batch and not self._attempt(batch):
                self._give_back(taken)
                return
        with self._condition:
            self._failures = 0
        for receipt in taken.receipts:
            receipt.settle()

    def _attempt(self, batch: Batch) -> bool:
        try:
            self._send(batch)
        except Refused as error:
            counters.count("purge_refused", self.edge)
            logger.error("edge %s refused a purge: %s", self.edge, error)
            if error.is_about_names:
                batch.add(Purge(everything=True))
            return False
        except Unreachable as error:
            counters.count("purge_failed", self.edge)
            log = logger.warning if self._failures else logger.error
            log("edge %s did not take a purge, trying again: %s", self.edge, error)
            return False
        except Exception:
            # the thread must outlive any mistake, or purges would wait for ever unseen
            counters.count("purge_failed", self.edge)
            logger.exception("a purge for edge %s could not be made, trying again", self.edge)
            return False
        counters.count("purge_sent", self.edge)
        return True

    def _give_back(self, taken: _Waiting) -> None:
        with self._condition:
            self._failures += 1
            self._waiting.hard.absorb(taken.hard)
            self._waiting.soft.absorb(taken.soft)
            receipts = taken.receipts + self._waiting.receipts
            self._waiting.receipts = []
        for receipt in receipts:
            receipt.settle()

    def _pause(self) -> float:
        """Seconds until the next attempt: exponential, with full jitter."""
        longest = min(LONGEST_PAUSE, FIRST_PAUSE * 2.0 ** min(self._failures, 16))
        return self._uniform(0.0, longest)


class Outbox:
    """The senders of this process, one for each edge of TWOPASS['EDGES']."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._senders: dict[str, Sender] = {}

    def offer(self, purge: Purge) -> Receipt:
        """Have every edge sent `purge`. The receipt is done at once where there are no edges."""
        senders = [self._sender(edge) for edge in get_settings().edges]
        receipt = Receipt(len(senders))
        for sender in senders:
            sender.offer(purge, receipt)
        remember(receipt)
        return receipt

    @property
    def has_sent_all(self) -> bool:
        """Whether every edge has taken every purge."""
        return all(sender.has_sent_all for sender in list(self._senders.values()))

    def flush(self, timeout: float) -> bool:
        """Try to send what waits, `timeout` seconds in all; whether nothing is left."""
        end = time.monotonic() + timeout
        senders = list(self._senders.values())
        left = [sender for sender in senders if not sender.flush(max(0.0, end - time.monotonic()))]
        for sender in left:
            logger.error(
                "ending with purges unsent (%r): run `twopass purge --admin %s --all`",
                sender,
                sender.edge,
            )
        return not left

    def close(self, timeout: float) -> bool:
        """Flush, and end the threads."""
        is_flushed = self.flush(timeout)
        for sender in self._senders.values():
            sender.close()
        return is_flushed

    def _sender(self, edge: str) -> Sender:
        with self._lock:
            sender = self._senders.get(edge)
            if sender is None:
                sender = self._senders[edge] = Sender(edge, lambda batch: _send(edge, batch))
            return sender


def _send(edge: str, batch: Batch) -> None:
    conf = get_settings()
    wait = min(conf.purge_wait, 0.8 * conf.purge_timeout, LONGEST_WAIT)
    post_purge(edge, conf.admin_token or "", batch.to_json(wait), conf.purge_timeout)


_outbox = Outbox()


def get_outbox() -> Outbox:
    """The outbox of this process."""
    return _outbox


def _start_anew() -> None:
    """In a forked child: the parent's threads are not here, and what waits there is sent there."""
    global _outbox
    _outbox = Outbox()


def _end() -> None:
    _outbox.close(FLUSH)


os.register_at_fork(after_in_child=_start_anew)
atexit.register(_end)
