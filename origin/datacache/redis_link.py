"""The link to Redis, for threads and event loops. Trouble is one error, soon, and then a pause.

A Redis that hangs costs `timeout` seconds once; until it answers again nobody waits for it.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import time
import weakref
from collections.abc import Callable, Sequence
from typing import Any

import redis
import redis.asyncio
from redis.exceptions import NoScriptError, RedisError

from .shared_layer import SCRIPTS, Command

logger = logging.getLogger("twopass.datacache")


class Away(Exception):
    """Redis does not answer, or is not asked because it did not a moment ago."""


class RedisLink:
    """Sends pipelines. `timeout` and `pause` in seconds."""

    def __init__(
        self, url: str, timeout: float, pause: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._url = url
        self._timeout = timeout
        self._pause = pause
        self._clock = clock
        self._away_until = 0.0
        self.is_away = False
        self._client = redis.Redis.from_url(url, **self._options())
        self._loops: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, redis.asyncio.Redis] = (
            weakref.WeakKeyDictionary()
        )

    def _options(self) -> dict[str, Any]:
        # no retries of its own: a cache that hesitates is asked again by whoever needs it next
        return {
            "socket_timeout": self._timeout,
            "socket_connect_timeout": self._timeout,
            "retry": None,
            "protocol": 2,
        }

    def __repr__(self) -> str:
        return f"<RedisLink {'away' if self.is_away else 'up'}>"

    @property
    def may_try(self) -> bool:
        """Whether Redis is asked now."""
        return not self.is_away or self._clock() >= self._away_until

    def call(self, commands: Sequence[Command]) -> list[Any]:
        """The answers, in order. Raises Away."""
        self._check()
        try:
            answers = self._run(commands)
        except (RedisError, OSError, ValueError) as error:
            # ValueError: another thread closed the connections meanwhile
            raise self._lost(error) from error
        self._well()
        return answers

    async def acall(self, commands: Sequence[Command]) -> list[Any]:
        """As `call`, without blocking the event loop."""
        self._check()
        try:
            answers = await self._arun(commands)
        except (TimeoutError, RedisError, OSError) as error:
            raise self._lost(error) from error
        self._well()
        return answers

    def own_connection(self, timeout: float) -> redis.Redis:
        """A client of the caller's own, for commands that block up to `timeout` seconds."""
        options = {**self._options(), "socket_timeout": timeout + self._timeout}
        return redis.Redis.from_url(self._url, **options)

    def close(self) -> None:
        """Close the connections of threads."""
        self._client.close()

    def _check(self) -> None:
        if not self.may_try:
            raise Away("Redis did not answer a moment ago")
        if self.is_away:  # one tries; the others go on without
            self._away_until = self._clock() + self._pause

    def _lost(self, error: Exception) -> Away:
        if not self.is_away:
            logger.warning("the shared level is away, going on without: %s", error)
        self.is_away = True
        self._away_until = self._clock() + self._pause
        return Away(str(error))

    def _well(self) -> None:
        if self.is_away:
            logger.warning("the shared level is back")
            self.is_away = False

    def _run(self, commands: Sequence[Command]) -> list[Any]:
        answers = _pipeline(self._client, commands)
        if _lacks_script(answers):
            for text in SCRIPTS.values():
                self._client.script_load(text)
            rest = iter(_pipeline(self._client, _not_run(commands, answers)))
            answers = [next(rest) if isinstance(item, NoScriptError) else item for item in answers]
        return _checked(answers)

    async def _arun(self, commands: Sequence[Command]) -> list[Any]:
        client = self._client_of_loop()
        answers = await _apipeline(client, commands)
        if _lacks_script(answers):
            for text in SCRIPTS.values():
                await client.script_load(text)
            rest = iter(await _apipeline(client, _not_run(commands, answers)))
            answers = [next(rest) if isinstance(item, NoScriptError) else item for item in answers]
        return _checked(answers)

    def _client_of_loop(self) -> redis.asyncio.Redis:
        loop = asyncio.get_running_loop()
        client = self._loops.get(loop)
        if client is None:
            client = self._loops[loop] = redis.asyncio.Redis.from_url(self._url, **self._options())
        return client


def _pipeline(client: redis.Redis, commands: Sequence[Command]) -> list[Any]:
    if not commands:
        return []
    pipe: Any = client.pipeline(transaction=False)
    for command in commands:
        pipe.execute_command(*command)
    return list(pipe.execute(raise_on_error=False))


async def _apipeline(client: redis.asyncio.Redis, commands: Sequence[Command]) -> list[Any]:
    pipe: Any = client.pipeline(transaction=False)
    for command in commands:
        pipe.execute_command(*command)
    return list(await pipe.execute(raise_on_error=False))


def _lacks_script(answers: Sequence[Any]) -> bool:
    return any(isinstance(item, NoScriptError) for item in answers)


def _not_run(commands: Sequence[Command], answers: Sequence[Any]) -> list[Command]:
    """What Redis did not do because it does not have the script (any more)."""
    return list(itertools.compress(commands, (isinstance(a, NoScriptError) for a in answers)))


def _checked(answers: list[Any]) -> list[Any]:
    for item in answers:
        if isinstance(item, Exception):
            raise item
    return answers
