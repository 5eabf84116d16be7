"""Time alone ends what the fast path knows: nothing need happen in the store for it."""

from __future__ import annotations

import pytest
from bench import Bench
from lines import Lines, parsed, request

from fragments.shell import FragmentHole
from origin import Answer, Frame, ScriptedOrigin, hole, shell

ANN = "Cookie: sessionid=ann"


def private(text: bytes, max_age: float) -> Frame:
    return Frame(0, 200, (text,), max_age=max_age)


@pytest.mark.parametrize("age", [30, 31, 1000])
async def test_a_fragment_is_shown_no_longer_than_it_is_fresh(
    bench: Bench, origin: ScriptedOrigin, lines: Lines, age: int
) -> None:
    basket: FragmentHole = hole("basket")
    origin.routes("^/home")
    origin.pages["/home"] = shell(b"<p>", basket, b"</p>", max_age=3600)
    origin.fragments["basket"] = private(b"old", 30.0)
    await bench.visitor(sessionid="ann").get("/home")
    line = lines.fast()
    bench.clock.tick(29)
    assert b"<p>old</p>" in await line.ask(request("/home", ANN))
    assert lines.hits.found == 1
    origin.fragments["basket"] = private(b"new", 30.0)

    bench.clock.tick(age - 29)
    page = parsed(await line.ask(request("/home", ANN)))[0]

    assert page.body == b"<p>new</p>"


async def test_a_shell_is_shown_no_longer_than_it_is_fresh(
    bench: Bench, origin: ScriptedOrigin, lines: Lines
) -> None:
    origin.routes("^/page")
    origin.pages["/page"] = shell(b"old", max_age=30)
    await bench.get("/page")
    line = lines.fast()
    assert b"old" in await line.ask(request("/page"))
    assert lines.hits.found == 1
    origin.pages["/page"] = shell(b"new", max_age=30)

    bench.clock.tick(30)
    page = parsed(await line.ask(request("/page")))[0]

    assert page.body == b"new"


async def test_a_response_is_shown_no_longer_than_it_is_fresh(
    bench: Bench, origin: ScriptedOrigin, lines: Lines
) -> None:
    origin.pages["/a.css"] = Answer(200, [("cache-control", "max-age=30")], b"old")
    await bench.get("/a.css")
    line = lines.fast()
    assert b"old" in await line.ask(request("/a.css"))
    assert lines.hits.found == 1
    origin.pages["/a.css"] = Answer(200, [("cache-control", "max-age=30")], b"new")

    bench.clock.tick(30)
    answer = parsed(await line.ask(request("/a.css")))[0]

    assert answer.body == b"new"


async def test_an_address_is_plain_no_longer_than_its_mark_says(
    bench: Bench, origin: ScriptedOrigin, lines: Lines
) -> None:
    """Another query of the same path is a page: so may this one be, when it is asked again."""
    plain = Answer(200, [("cache-control", "max-age=60")], b"plain")
    origin.pages["/p"] = lambda seen: shell(b"page") if "a=1" in seen.target else plain
    await bench.get("/p?b=2")
    await bench.get("/p?a=1")
    line = lines.fast()
    for _ in range(2):
        assert b"plain" in await line.ask(request("/p?b=2"))
    origin.pages["/p"] = shell(b"page")

    bench.clock.tick(bench.edge.settings.hit_for_pass + 1)
    answer = parsed(await line.ask(request("/p?b=2")))[0]

    assert answer.body == b"page"
