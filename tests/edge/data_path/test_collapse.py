"""A cold start does not stampede, and nobody waits for another's bytes."""

from __future__ import annotations

import asyncio

import pytest
from bench import Bench, RawExchange, until

from edge.collapse import Flights, Verdicts
from origin import Answer, ScriptedOrigin, shell


async def _together(bench: Bench, origin: ScriptedOrigin, count: int = 10) -> list[str]:
    origin.hold["/x"] = asyncio.Event()
    asked = [asyncio.create_task(bench.get("/x")) for _ in range(count)]
    await bench.settle()
    origin.hold["/x"].set()
    return [page.text for page in await asyncio.gather(*asked)]


async def test_a_shell_serves_all_who_wait_for_the_verdict(
    bench: Bench, origin: ScriptedOrigin
) -> None:
    origin.pages["/x"] = shell(b"page")

    assert await _together(bench, origin) == ["page"] * 10
    assert len(origin.seen) == 1


async def test_anything_else_releases_each_alone(bench: Bench, origin: ScriptedOrigin) -> None:
    origin.pages["/x"] = lambda seen: Answer(200, [], b"own")

    assert await _together(bench, origin) == ["own"] * 10
    assert len(origin.seen) == 10
    assert len(origin.of_kind("probe")) == 10
    assert len([seen for seen in origin.seen if seen.wants_shell]) == 1


async def test_others_never_wait_for_the_leaders_bytes(
    bench: Bench, origin: ScriptedOrigin
) -> None:
    origin.pages["/x"] = Answer(200, [], [b"first", asyncio.Event()])
    leader = RawExchange(bench, "GET", "/x")
    leading = asyncio.create_task(leader.run())
    await leader.started.wait()
    origin.pages["/x"] = Answer(200, [], b"own")

    assert (await bench.get("/x")).text == "own"

    leader.gone.set()
    await leading


async def test_a_slow_verdict_is_not_waited_for(origin: ScriptedOrigin) -> None:
    origin.pages["/x"] = shell(b"page")
    origin.hold["/x"] = asyncio.Event()
    async with Bench(origin, verdict_wait=0.01) as bench:
        leading = asyncio.create_task(bench.get("/x"))
        await bench.settle()
        following = asyncio.create_task(bench.get("/x"))
        await until(lambda: len(origin.seen) == 2)
        origin.hold["/x"].set()

        assert (await following).text == (await leading).text == "page"


async def test_a_leader_who_leaves_hands_the_lead_on(bench: Bench, origin: ScriptedOrigin) -> None:
    origin.pages["/x"] = shell(b"page")
    origin.hold["/x"] = asyncio.Event()
    leader = RawExchange(bench, "GET", "/x")
    leading = asyncio.create_task(leader.run())
    await bench.settle()
    following = asyncio.create_task(bench.get("/x"))
    await bench.settle()

    leader.gone.set()
    await bench.settle()
    origin.hold["/x"].set()

    assert (await following).text == "page"
    assert len(origin.seen) == 2
    await leading
    assert leader.start is None


async def test_a_known_route_is_never_asked_with_a_visitors_own_request(
    bench: Bench, origin: ScriptedOrigin
) -> None:
    origin.routes(r"\A/x\Z")
    await bench.edge.manifest.fetch()
    origin.seen.clear()
    origin.pages["/x"] = shell(b"page")

    assert await _together(bench, origin) == ["page"] * 10
    assert [seen.kind for seen in origin.seen] == ["first"]


async def test_work_in_flight_outlives_who_began_it() -> None:
    flights: Flights[str, int] = Flights()
    gate = asyncio.Event()

    async def work() -> int:
        await gate.wait()
        return 1

    first = asyncio.create_task(flights.share("k", work))
    await asyncio.sleep(0)
    second = asyncio.create_task(flights.share("k", work))
    await asyncio.sleep(0)
    first.cancel()
    gate.set()

    assert await second == (1, True)
    assert len(flights) == 0


async def test_an_error_reaches_all_who_share_it_and_is_forgotten() -> None:
    flights: Flights[str, int] = Flights()

    async def work() -> int:
        raise ValueError("no")

    results = await asyncio.gather(
        flights.share("k", work), flights.share("k", work), return_exceptions=True
    )

    assert [type(result) for result in results] == [ValueError, ValueError]
    assert len(flights) == 0


async def test_closing_stops_what_flies() -> None:
    flights: Flights[str, None] = Flights()
    task = flights.begin("k", asyncio.Event().wait)  # type: ignore[arg-type]

    await flights.aclose()

    assert task.cancelled()


async def test_a_verdict_is_led_by_one() -> None:
    verdicts: Verdicts[str, int] = Verdicts()
    leading = verdicts.lead("k")
    assert leading is not None
    assert verdicts.lead("k") is None

    with pytest.raises(TimeoutError):
        await verdicts.wait("k", 0.001)
    waiting = asyncio.create_task(verdicts.wait("k", 5))
    await asyncio.sleep(0)
    leading.set_result(7)

    assert await waiting == 7
    assert await verdicts.wait("k", 5) is None
    assert len(verdicts) == 0
