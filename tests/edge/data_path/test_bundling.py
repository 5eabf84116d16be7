"""Slow fragments get bundles of their own once it is known that they hold others back."""

from __future__ import annotations

import asyncio

import pytest
from bench import Bench

from fragments.bundle import Frame
from origin import Renderer, ScriptedOrigin, hole, shell


def takes(seconds: float, text: str, **declared: float) -> Frame:
    return Frame(0, 200, (text.encode(),), scope="no-store", rendering=seconds, **declared)  # type: ignore[arg-type]


def page_of(origin: ScriptedOrigin, **fragments: Renderer) -> None:
    holes = [hole(name, scope="no-store") for name in fragments]
    origin.pages["/"] = shell(*(part for one in holes for part in (b"<", one, b">")))
    origin.fragments.update(fragments)


def bundles(origin: ScriptedOrigin) -> list[list[str]]:
    found = [seen.fragments for seen in origin.of_kind("second")]
    origin.seen.clear()
    return found


async def test_who_holds_others_back_goes_alone_from_then_on(
    bench: Bench, origin: ScriptedOrigin
) -> None:
    page_of(origin, slow=takes(0.05, "S"), one=takes(0.0, "1"), two=takes(0.0, "2"))
    assert (await bench.visitor(sessionid="alice").get("/")).text == "<S><1><2>"
    assert bundles(origin) == [["slow", "one", "two"]]

    assert (await bench.visitor(sessionid="alice").get("/")).text == "<S><1><2>"
    assert sorted(bundles(origin)) == [["one", "two"], ["slow"]]


async def test_the_quick_ones_do_not_wait_for_the_slow_one(
    bench: Bench, origin: ScriptedOrigin
) -> None:
    page_of(origin, quick=takes(0.0, "q"), slow=takes(0.05, "S"), last=takes(0.0, "l"))
    await bench.visitor(sessionid="alice").get("/")
    origin.hold["slow"] = asyncio.Event()
    learned = asyncio.Event()

    def last(_: object) -> Frame:
        learned.set()
        return takes(0.0, "l")

    origin.fragments["last"] = last
    answer = asyncio.create_task(bench.visitor(sessionid="alice").get("/"))
    await asyncio.wait_for(learned.wait(), 30)  # in one bundle it would come after the slow one
    origin.hold["slow"].set()

    assert (await answer).text == "<q><S><l>"


async def test_fragments_that_are_rendered_together_stay_together(
    bench: Bench, origin: ScriptedOrigin
) -> None:
    page_of(origin, one=takes(0.05, "1"), two=takes(0.05, "2"), three=takes(0.05, "3"))
    for _ in range(3):
        assert (await bench.visitor(sessionid="alice").get("/")).text == "<1><2><3>"
    assert bundles(origin) == [["one", "two", "three"]] * 3


async def test_fragments_that_write_are_never_moved(bench: Bench, origin: ScriptedOrigin) -> None:
    writing = hole("messages", scope="no-store", writes=True)
    origin.pages["/"] = shell(writing, hole("one", scope="no-store"))
    origin.fragments |= {"messages": takes(0.05, "m"), "one": takes(0.0, "1")}
    for _ in range(2):
        assert (await bench.visitor(sessionid="alice").get("/")).text == "m1"
    assert bundles(origin) == [["messages", "one"]] * 2


async def test_what_is_known_of_one_place_moves_no_writing_one(
    bench: Bench, origin: ScriptedOrigin
) -> None:
    page_of(origin, slow=takes(0.05, "S"), one=takes(0.0, "1"))
    await bench.visitor(sessionid="alice").get("/")
    origin.pages["/writing"] = shell(
        hole("slow", scope="no-store", writes=True), hole("one", scope="no-store")
    )
    bundles(origin)

    assert (await bench.visitor(sessionid="alice").get("/writing")).text == "S1"
    assert bundles(origin) == [["slow", "one"]]


async def test_a_gated_page_has_one_bundle(bench: Bench, origin: ScriptedOrigin) -> None:
    origin.pages["/"] = shell(*(hole(n, scope="no-store") for n in ("slow", "one")), gate=True)
    origin.fragments |= {"slow": takes(0.05, "S"), "one": takes(0.0, "1")}
    for _ in range(2):
        assert (await bench.visitor(sessionid="alice").get("/")).text == "S1"
    assert bundles(origin) == [["slow", "one"]] * 2


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"bundles_per_page": 1}, [["slow", "other", "one"]]),
        ({"bundles_per_page": 2}, [["one"], ["slow", "other"]]),
        ({"slow_fragment": 0.06}, [["one", "slow"], ["other"]]),
        ({}, [["one"], ["other"], ["slow"]]),
    ],
)
async def test_bound_and_limit_are_settings(
    origin: ScriptedOrigin, settings: dict[str, float], expected: list[list[str]]
) -> None:
    async with Bench(origin, **settings) as bench:
        page_of(origin, slow=takes(0.05, "S"), other=takes(0.07, "O"), one=takes(0.0, "1"))
        await bench.visitor(sessionid="alice").get("/")
        bundles(origin)
        assert (await bench.visitor(sessionid="alice").get("/")).text == "<S><O><1>"

    assert sorted(sorted(bundle) for bundle in bundles(origin)) == sorted(map(sorted, expected))


async def test_bundles_are_counted(bench: Bench, origin: ScriptedOrigin) -> None:
    page_of(origin, slow=takes(0.05, "S"), one=takes(0.0, "1"))
    for _ in range(2):
        await bench.visitor(sessionid="alice").get("/")

    assert bench.edge.tally.bundles.values == {("page",): 2, ("own",): 1}
