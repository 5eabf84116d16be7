"""Makes codings of pages that are asked for more than once, beside the event loop."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from edge.core.encoding import encoded, wanted
from edge.core.negotiation import Offer
from edge.core.prepared import PreparedShell
from edge.store.bounded import BoundedMap
from edge.store.memory import Memory
from edge.tally import Tally

MAX_WAITING: Final = 64
"""Pages that wait to be compressed; who asks for another gets it as it is for now."""


class Encoder:
    """Compresses in one thread. A page gets a coding from the second request on that takes it."""

    def __init__(self, memory: Memory, tally: Tally, limit: int) -> None:
        self._memory = memory
        self._tally = tally
        self._limit = limit
        self._asked: BoundedMap[bytes, tuple[bytes, float]] = BoundedMap(4096)
        """By coding and page: of which one it was asked for. The page itself is the store's."""
        self._waiting: set[tuple[bytes, bytes]] = set()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="twopass-encode")

    def see(self, key: bytes, shell: PreparedShell, offer: Offer, *, again: bool = False) -> None:
        """A visitor who takes `offer` is shown the page of that key; `again`: not the first one."""
        name = wanted(shell, offer)
        if name is None or (key, name) in self._waiting:
            return
        asked, which = name + b" " + key, (shell.digest, shell.expiry.born_at)
        if not again and self._asked.get(asked) != which:
            self._asked.set(asked, which)
        elif len(self._waiting) < MAX_WAITING:
            self._asked.discard(asked)
            self._begin(key, shell, name)

    @property
    def is_busy(self) -> bool:
        """Whether something is being made."""
        return bool(self._waiting)

    def close(self) -> None:
        """Make no more."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _begin(self, key: bytes, shell: PreparedShell, name: bytes) -> None:
        self._waiting.add((key, name))
        loop = asyncio.get_running_loop()
        work = loop.run_in_executor(self._thread, encoded, shell, name)
        work.add_done_callback(lambda done: self._made(key, shell, name, done))

    def _made(
        self, key: bytes, shell: PreparedShell, name: bytes, work: asyncio.Future[PreparedShell]
    ) -> None:
        self._waiting.discard((key, name))
        if work.cancelled():
            return
        made = work.result()
        # what was renewed, purged or made stale meanwhile is another object, or none
        if self._memory.shells.peek(key) is shell and made.size <= self._limit:
            self._memory.shells.put(key, made)
            self._tally.encoded.add(name.decode("ascii"))
