"""Hears what other processes invalidate, at once, and says for how long that can be relied on."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any, Final

from redis.exceptions import RedisError

from .clock import Clock
from .redis_link import RedisLink
from .shared_layer import BadMessage, Commands, as_clock, as_messages

logger = logging.getLogger("twopass.datacache")

BEATS: Final = 4
"""Times that Redis is heard of within the bound at least."""
PAUSE: Final = 0.2
"""Seconds between two attempts to listen."""


def take_in(clock: Clock, answer: Any) -> bool:
    """Apply what XREAD gave; False for what is no invalidation: begin anew, as after a gap."""
    try:
        clock.apply(as_messages(answer))
    except BadMessage as error:
        logger.warning("%s: everything at hand is dropped", error)
        return False
    return True


class Listener:
    """Reads the stream of invalidations on a connection of its own, until it is closed.

    `deliver()` tells Redis what it has not been told; `trust(at)` hears that at `at`, on
    `time.time`, everything was known. `bound` in seconds.
    """

    def __init__(
        self,
        link: RedisLink,
        commands: Commands,
        clock: Clock,
        bound: float,
        deliver: Callable[[], bool],
        trust: Callable[[float], None],
    ) -> None:
        self._link = link
        self._commands = commands
        self._clock = clock
        self._block = max(0.05, min(bound / BEATS, 1.0))
        self._deliver = deliver
        self._trust = trust
        self._is_closed = False

    def close(self) -> None:
        """End soon."""
        self._is_closed = True

    def run(self) -> None:
        """Listen; begin again whenever the link breaks."""
        while not self._is_closed:
            connection: Any = self._link.own_connection(self._block)
            try:
                self._begin(connection)
                while not self._is_closed:
                    self._hear(connection)
            except (RedisError, OSError, ValueError) as error:  # ValueError: closed under our hands
                logger.info("not listening to invalidations: %s", error)
                time.sleep(PAUSE)
            finally:
                connection.close()

    def _begin(self, connection: Any) -> None:
        sent = time.time()
        if self._clock.position is None:
            self._clock.begin(self._read_clock(connection))
            self._trust(sent)

    def _hear(self, connection: Any) -> None:
        self._deliver()
        sent = time.time()
        self._take(connection, self._block)
        # also without messages the clock must stand where we are: else Redis lost some, or all
        clock = self._read_clock(connection)
        if clock != self._clock.position:
            self._take(connection, None)
            if clock == 0 or (self._clock.position or 0) < clock:
                self._clock.restart(clock)
        # from when the question was sent: what came between is not in the answer
        self._trust(sent)

    def _take(self, connection: Any, block: float | None) -> None:
        position = self._clock.position or 0
        answer: Any = connection.execute_command(*self._commands.listen(position, block))
        if not take_in(self._clock, answer):
            self._clock.restart(self._read_clock(connection))

    def _read_clock(self, connection: Any) -> int:
        return as_clock(connection.execute_command("GET", self._commands.names.clock))
