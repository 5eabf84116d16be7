"""The local bus: every worker hears, a slow one is named, a lost bus ends the worker."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from edge.bus import BusLink, WorkerFleet
from edge.core.purge import Invalidation
from edge.core.visits import PageVisits


class Member:
    def __init__(self) -> None:
        self.applied: list[Invalidation] = []

    def apply(self, invalidation: Invalidation) -> int:
        self.applied.append(invalidation)
        return len(self.applied)

    def status(self) -> dict[str, Any]:
        return {"applied": len(self.applied)}

    def objects(self, prefix: str = "", limit: int = 100) -> list[dict[str, Any]]:
        return [{"url": f"{prefix}{number}", "dimensions": {}} for number in range(2)][:limit]

    def visits(self, prefix: str = "", limit: int = 100) -> list[PageVisits]:
        return [PageVisits(f"{prefix}{number}", 2.0 - number) for number in range(2)][:limit]

    def counter_snapshot(self) -> list[dict[str, Any]]:
        return [{"name": "x", "values": []}]


class Workers:
    """A supervisor's fleet with workers in the same process."""

    def __init__(self, path: Path, size: int) -> None:
        self.path = path
        self.fleet = WorkerFleet("node", size)
        self.members = [Member() for _ in range(size)]
        self.lost: list[int] = []
        self.tasks: list[asyncio.Task[None]] = []
        self.links: list[BusLink] = []

    async def start(self) -> None:
        await self.fleet.listen(self.path)
        for number, member in enumerate(self.members):
            link = await BusLink.connect(self.path, number)
            self.links.append(link)
            serving = link.serve(member, lambda number=number: self.lost.append(number))  # type: ignore[misc]
            self.tasks.append(asyncio.create_task(serving))


@pytest.fixture
async def workers(tmp_path: Path) -> AsyncIterator[Workers]:
    found = Workers(tmp_path / "bus", 2)
    await found.start()
    yield found
    await found.fleet.close()
    await asyncio.gather(*found.tasks, return_exceptions=True)


PURGE = Invalidation(groups=("product:42",), soft=True)


async def test_every_worker_applies_a_purge(workers: Workers) -> None:
    receipt = await workers.fleet.apply(PURGE, wait=5)

    assert receipt.to_json() == {
        "position": 1,
        "node": "node",
        "applied": {"node/0": True, "node/1": True},
        "complete": True,
    }
    assert [member.applied for member in workers.members] == [[PURGE], [PURGE]]


async def test_what_one_worker_learns_reaches_the_others(workers: Workers) -> None:
    workers.links[0].publish(PURGE)
    async with asyncio.timeout(10):
        while not all(member.applied for member in workers.members):  # noqa: ASYNC110
            await asyncio.sleep(0.005)

    assert [member.applied for member in workers.members] == [[PURGE], [PURGE]]


async def test_many_purges_at_once_keep_their_answers_apart(workers: Workers) -> None:
    receipts = await asyncio.gather(*(workers.fleet.apply(PURGE, wait=5) for _ in range(50)))

    assert sorted(receipt.position for receipt in receipts) == list(range(1, 51))
    assert all(receipt.is_complete for receipt in receipts)


async def test_a_worker_that_does_not_answer_is_named(workers: Workers) -> None:
    workers.tasks[1].cancel()
    stuck = await asyncio.open_unix_connection(str(workers.path))
    stuck[1].write(b'{"worker": 7}\n')
    assert b"welcome" in await stuck[0].readline()

    receipt = await workers.fleet.apply(PURGE, wait=0.05)

    assert receipt.applied["node/0"] is True
    assert receipt.applied["node/7"] is False
    assert not receipt.is_complete
    stuck[1].close()


async def test_without_any_worker_nothing_is_complete(tmp_path: Path) -> None:
    fleet = WorkerFleet("node", 2)

    assert not (await fleet.apply(PURGE, wait=0.01)).is_complete
    assert not fleet.is_ready


async def test_questions_go_to_all(workers: Workers) -> None:
    assert workers.fleet.is_ready
    assert await workers.fleet.status() == {"node/0": {"applied": 0}, "node/1": {"applied": 0}}
    assert [item["url"] for item in await workers.fleet.objects("u", 10)] == ["u0", "u1"]
    assert await workers.fleet.visits("u", 10) == [("u0", 4.0), ("u1", 2.0)]
    assert await workers.fleet.visits("u", 1) == [("u0", 4.0)]
    assert len(await workers.fleet.counter_snapshots()) == 2


async def test_a_worker_that_loses_the_bus_leaves(workers: Workers) -> None:
    await workers.fleet.close()
    await asyncio.gather(*workers.tasks)

    assert sorted(workers.lost) == [0, 1]


async def test_a_stranger_on_the_bus_is_shown_out(workers: Workers) -> None:
    reader, writer = await asyncio.open_unix_connection(str(workers.path))
    writer.write(b"nonsense\n")

    assert await reader.read() == b""
    assert workers.fleet.is_ready
    writer.close()


async def test_a_supervisor_that_is_gone_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        await BusLink.connect(tmp_path / "bus", 0)
