"""The local bus: a supervisor that asks its worker processes over one unix socket.

Messages are JSON lines. A worker that loses the bus could miss an invalidation, so it stops serving
and exits (its supervisor starts a fresh one, with an empty memory and nothing to miss).
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from .core.purge import Invalidation
from .core.visits import PageVisits, added_up
from .fleet import Member, Receipt

logger = logging.getLogger("twopass.edge.bus")

MAX_LINE: Final = 256 * 1024 * 1024
ANSWER_WITHIN: Final = 5.0
MARGIN: Final = 10
"""Times the rows asked for that each worker gives of its visits: to be among the first of all, a
page need not be among the first of every worker."""


class WorkerFleet:
    """The supervisor's end: knows the workers that are connected, and asks all of them."""

    def __init__(self, node: str, size: int) -> None:
        self._node = node
        self._size = size
        self._position = 0
        self._workers: dict[str, _Connection] = {}
        self._publishing: set[asyncio.Task[Receipt]] = set()
        self._server: asyncio.Server | None = None

    async def listen(self, path: Path) -> None:
        """Take connections of workers at `path`."""
        self._server = await asyncio.start_unix_server(self._welcome, str(path), limit=MAX_LINE)

    async def close(self) -> None:
        """Stop listening; the workers see the end of their stream and leave."""
        if self._server is not None:
            self._server.close()
        for connection in list(self._workers.values()):
            connection.close()

    @property
    def is_ready(self) -> bool:
        """Whether all workers are there."""
        return len(self._workers) == self._size

    async def apply(self, invalidation: Invalidation, wait: float) -> Receipt:
        """Ask every worker; one that has not answered within `wait` seconds has not applied it."""
        self._position += 1
        position = self._position  # others may ask while we wait
        answers = await self._ask("apply", {"invalidation": invalidation.to_json()}, wait)
        applied = {name: answer is not None for name, answer in answers.items()}
        return Receipt(position, self._node, applied)

    async def status(self) -> dict[str, dict[str, Any]]:
        """The status of each worker that answers."""
        answers = await self._ask("status", {}, ANSWER_WITHIN)
        return {name: answer for name, answer in answers.items() if answer is not None}

    async def objects(self, prefix: str, limit: int) -> list[dict[str, Any]]:
        """The objects of all workers; the fullest picture of a URL wins."""
        answers = await self._ask("objects", {"prefix": prefix, "limit": limit}, ANSWER_WITHIN)
        merged: dict[str, dict[str, Any]] = {}
        for answer in answers.values():
            for item in answer or ():
                merged.setdefault(json.dumps([item.get("url"), item.get("dimensions")]), item)
        return list(merged.values())[:limit]

    async def visits(self, prefix: str, limit: int) -> list[PageVisits]:
        """The visits of all workers, added up."""
        question = {"prefix": prefix, "limit": MARGIN * limit}
        answers = await self._ask("visits", question, ANSWER_WITHIN)
        tables = [[PageVisits(*row) for row in answer or ()] for answer in answers.values()]
        return added_up(tables, limit)

    async def counter_snapshots(self) -> list[list[dict[str, Any]]]:
        """The counters of each worker that answers."""
        answers = await self._ask("counters", {}, ANSWER_WITHIN)
        return [answer for answer in answers.values() if answer is not None]

    async def _ask(self, verb: str, arguments: dict[str, Any], wait: float) -> dict[str, Any]:
        workers = dict(self._workers)
        answers = await asyncio.gather(
            *(connection.ask(verb, arguments, wait) for connection in workers.values())
        )
        return dict(zip(workers, answers, strict=True))

    async def _welcome(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        hello = await reader.readline()
        try:
            name = f"{self._node}/{json.loads(hello)['worker']}"
        except (ValueError, KeyError, TypeError):
            writer.close()
            return
        connection = self._workers[name] = _Connection(reader, writer, self._publish)
        writer.write(_line({"welcome": name}))
        logger.info("worker connected", extra={"worker": name})
        try:
            await connection.listen()
        finally:
            if self._workers.get(name) is connection:
                del self._workers[name]
            logger.info("worker gone", extra={"worker": name})

    def _publish(self, invalidation: Invalidation) -> None:
        task = asyncio.create_task(self.apply(invalidation, ANSWER_WITHIN))
        self._publishing.add(task)
        task.add_done_callback(self._publishing.discard)


class _Connection:
    """One worker: questions go out numbered, answers come back in any order.

    A worker also tells, unasked, of invalidations that responses caused: `publish` spreads them.
    """

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        publish: Callable[[Invalidation], None],
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._publish = publish
        self._number = 0
        self._open: dict[int, asyncio.Future[Any]] = {}

    async def ask(self, verb: str, arguments: dict[str, Any], wait: float) -> Any:
        """The answer; None when the worker does not answer in time or goes away."""
        self._number += 1
        number = self._number
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._open[number] = future
        try:
            self._writer.write(_line({"id": number, "ask": verb, **arguments}))
            async with asyncio.timeout(wait):
                await self._writer.drain()
                return await future
        except (TimeoutError, OSError):
            return None
        finally:
            self._open.pop(number, None)

    async def listen(self) -> None:
        """Hand answers to whoever asked, until the worker goes."""
        try:
            while line := await self._reader.readline():
                self._take(json.loads(line))
        except (OSError, ValueError, KeyError):
            logger.exception("the bus to a worker broke")
        finally:
            for future in self._open.values():
                if not future.done():
                    future.set_result(None)
            self.close()

    def _take(self, message: dict[str, Any]) -> None:
        if "publish" in message:
            self._publish(Invalidation.from_json(message["publish"]))
            return
        future = self._open.get(message["id"])
        if future is not None and not future.done():
            future.set_result(message["answer"])

    def close(self) -> None:
        """End the stream."""
        self._writer.close()


class BusLink:
    """A worker's end: answers the supervisor's questions."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def connect(cls, path: Path, worker: int) -> BusLink:
        """A link the supervisor knows of: no invalidation passes this worker from here on.

        Raises OSError when the supervisor is gone.
        """
        reader, writer = await asyncio.open_unix_connection(str(path), limit=MAX_LINE)
        writer.write(_line({"worker": worker}))
        if not await reader.readline():
            raise ConnectionResetError("the supervisor did not welcome this worker")
        return cls(reader, writer)

    def publish(self, invalidation: Invalidation) -> None:
        """Have every worker, this one too, apply `invalidation`."""
        self._writer.write(_line({"publish": invalidation.to_json()}))

    async def serve(self, member: Member, on_lost: Callable[[], None]) -> None:
        """Answer until the bus is gone, then call `on_lost`."""
        try:
            while line := await self._reader.readline():
                question = json.loads(line)
                answer = {"id": question["id"], "answer": _answer(member, question)}
                self._writer.write(_line(answer))
                await self._writer.drain()
        except OSError:
            logger.warning("the bus to the supervisor broke")
        finally:
            self._writer.close()
            on_lost()


def _answer(member: Member, question: dict[str, Any]) -> Any:
    match question["ask"]:
        case "apply":
            return member.apply(Invalidation.from_json(question["invalidation"]))
        case "status":
            return member.status()
        case "objects":
            return member.objects(question["prefix"], question["limit"])
        case "visits":
            return member.visits(question["prefix"], question["limit"])
        case "counters":
            return member.counter_snapshot()
    return None


def _line(message: dict[str, Any]) -> bytes:
    return json.dumps(message, separators=(",", ":")).encode() + b"\n"
