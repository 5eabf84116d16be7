"""Plain responses beside pages (the conformance scenarios hold RFC 9111 itself)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from bench import Bench, until

from fragments.manifest import Manifest
from origin import Answer, Page, ScriptedOrigin, Seen, shell

FRESH = ("cache-control", "max-age=10")
TAG = ("etag", '"v1"')


def _counted(*headers: tuple[str, str], status: int = 200) -> Page:
    count = iter(range(100))

    def answer(seen: Seen) -> Answer:
        if ("if-none-match", '"v1"') in seen.headers:
            return Answer(304, [TAG, FRESH])
        return Answer(status, [("content-type", "text/plain"), *headers], b"%d" % next(count))

    return answer


async def test_a_cacheable_answer_comes_from_memory(bench: Bench, origin: ScriptedOrigin) -> None:
    origin.pages["/x"] = _counted(FRESH)

    first = await bench.get("/x")
    bench.clock.tick(4)
    second = await bench.get("/x")

    assert (first.text, second.text) == ("0", "0")
    assert first.cache_status == "twopass; fwd=uri-miss; fwd-status=200; stored"
    assert second.cache_status == "twopass; hit; ttl=6"
    assert second.headers["age"] == "4"
    assert second.headers["content-length"] == "1"


async def test_what_says_nothing_of_caching_is_not_kept(
    bench: Bench, origin: ScriptedOrigin
) -> None:
    origin.pages["/x"] = _counted()

    assert [(await bench.get("/x")).text for _ in range(3)] == ["0", "1", "2"]


async def test_a_stale_answer_is_validated_once_for_all_who_ask(
    bench: Bench, origin: ScriptedOrigin
) -> None:
    origin.pages["/x"] = _counted(FRESH, TAG)
    await bench.get("/x")
    bench.clock.tick(11)
    origin.hold["/x"] = asyncio.Event()
    asked = [asyncio.create_task(bench.get("/x")) for _ in range(5)]
    await bench.settle()
    origin.hold["/x"].set()

    pages = await asyncio.gather(*asked)

    assert {page.text for page in pages} == {"0"}
    assert sorted(page.cache_status for page in pages) == [
        *["twopass; fwd=stale; fwd-status=304; ttl=10; collapsed"] * 4,
        "twopass; fwd=stale; fwd-status=304; ttl=10; stored",
    ]
    assert len(origin.seen) == 2


async def test_a_validation_carries_no_condition_of_a_visitor(
    bench: Bench, origin: ScriptedOrigin
) -> None:
    origin.pages["/x"] = _counted(FRESH, TAG)
    await bench.get("/x")
    bench.clock.tick(11)

    page = await bench.get("/x", if_none_match='"theirs"', range="bytes=0-0")

    assert (page.status, page.text) == (206, "0")
    assert origin.seen[-1]["if-none-match"] == '"v1"'
    assert origin.seen[-1]["range"] is None


async def test_visitors_conditions_are_answered_from_memory(
    bench: Bench, origin: ScriptedOrigin
) -> None:
    origin.pages["/x"] = _counted(FRESH, TAG)
    await bench.get("/x")

    page = await bench.get("/x", if_none_match='"v1"')

    assert (page.status, page.text) == (304, "")
    assert page.headers["etag"] == '"v1"'


@pytest.mark.parametrize(
    "headers",
    [[("authorization", "Basic x")], [("cookie", "preview=1")], [("hx-request", "true")]],
)
async def test_who_is_apart_neither_gets_nor_leaves_anything(
    bench: Bench, origin: ScriptedOrigin, headers: list[tuple[str, str]]
) -> None:
    origin.pages["/x"] = _counted(FRESH)

    apart = await bench.ask("GET", "/x", headers)
    first = await bench.get("/x")
    again = await bench.ask("GET", "/x", headers)

    assert (apart.text, first.text, again.text) == ("0", "1", "2")
    assert (await bench.get("/x")).text == "1"


async def test_an_unsafe_request_renews_the_answer_and_leaves_pages_alone(
    bench: Bench, origin: ScriptedOrigin
) -> None:
    origin.pages["/x"] = _counted(FRESH)
    origin.pages["/page"] = shell(b"page")
    await bench.get("/x")
    await bench.get("/page")
    bench.edge.memory.marks.clear()
    plain = origin.pages["/x"]
    origin.pages["/x"] = Answer(303, [("location", "/page")])
    await bench.visitor().post("/x")
    origin.pages["/x"] = plain
    before = len(origin.seen)

    assert (await bench.get("/x")).text == "1"
    assert (await bench.get("/page")).text == "page"
    assert len(origin.seen) == before + 1


async def test_a_cookie_is_never_kept_for_others(bench: Bench, origin: ScriptedOrigin) -> None:
    origin.pages["/x"] = _counted(FRESH, ("set-cookie", "sessionid=ann"))

    first, second = await bench.get("/x"), await bench.get("/x")

    assert (first.text, second.text) == ("0", "1")
    assert "detail=set-cookie" in first.cache_status


async def test_an_answer_too_large_is_passed_on_and_not_kept(origin: ScriptedOrigin) -> None:
    origin.pages["/x"] = lambda seen: Answer(200, [FRESH], [b"x" * 600, b"y" * 600])
    async with Bench(origin, object_bytes=1000) as bench:
        pages = [await bench.get("/x") for _ in range(2)]

        assert [len(page.text) for page in pages] == [1200, 1200]
        assert len(bench.edge.memory.responses) == 0


async def test_stale_stands_in_for_an_origin_that_is_down(
    bench: Bench, origin: ScriptedOrigin
) -> None:
    origin.pages["/x"] = _counted(("cache-control", "max-age=10, stale-if-error=60"))
    await bench.get("/x")
    bench.clock.tick(11)
    origin.down = True

    pages = [await bench.get("/x") for _ in range(3)]

    assert {page.text for page in pages} == {"0"}
    assert pages[0].cache_status == "twopass; hit; ttl=-1; detail=stale-if-error"
    assert bench.edge.tally.origin_failures.total() == 1


async def test_a_plain_url_that_becomes_a_page_is_found_out(
    bench: Bench, origin: ScriptedOrigin
) -> None:
    origin.pages["/x"] = _counted()
    await bench.get("/x")
    origin.pages["/x"] = shell(b"page")

    assert (await bench.get("/x")).text == "rendered in process"
    bench.clock.tick(6)
    assert (await bench.get("/x")).text == "page"


async def test_purges_reach_plain_answers_too(bench: Bench, origin: ScriptedOrigin) -> None:
    origin.pages["/x"] = _counted(FRESH, ("cache-tag", "a, b"))
    assert (await bench.get("/x")).text == "0"
    bench.purge(groups=("b",))
    assert (await bench.get("/x")).text == "1"
    bench.purge(urls=("http://shop.test/x",))
    assert (await bench.get("/x")).text == "2"


async def test_plain_answers_are_kept_for_an_origin_that_knows_nothing_of_us(
    origin: ScriptedOrigin,
) -> None:
    origin.manifest = None
    origin.pages["/x"] = _counted(FRESH)
    async with Bench(origin, secret="") as bench:
        assert [(await bench.get("/x")).text for _ in range(2)] == ["0", "0"]
        assert origin.seen[0]["twopass-proof"] is None


async def test_the_manifest_decides_what_is_a_page(origin: ScriptedOrigin) -> None:
    origin.manifest = Manifest("sessionid", None)
    origin.pages["/x"] = shell(b"page")
    async with Bench(origin) as bench:
        assert (await bench.get("/x")).text == "page"


@pytest.mark.parametrize(("tag", "asked"), [('"v1"', 2), ('"v2"', 3)])
async def test_a_head_that_is_passed_freshens_or_ends_what_is_stored(
    bench: Bench, origin: ScriptedOrigin, tag: str, asked: int
) -> None:
    """RFC 9111 §4.3.5, where validation brought an answer that may not be stored."""

    def page(seen: Seen) -> Answer:
        if seen.method == "HEAD":
            return Answer(200, [FRESH, ("etag", tag)])
        told = ("cache-control", "no-store") if seen["if-none-match"] else FRESH
        return Answer(200, [TAG, told], b"page")

    origin.pages["/x"] = page
    await bench.get("/x")
    bench.clock.tick(11)
    await bench.visitor().get("/x", "HEAD")
    assert (await bench.get("/x")).text == "page"

    assert len([seen for seen in origin.seen if seen.method == "GET"]) == asked


@pytest.fixture
async def plain_bench(origin: ScriptedOrigin) -> AsyncIterator[Bench]:
    """Before an origin that knows nothing of two passes."""
    origin.manifest = None
    async with Bench(origin) as running:
        yield running


async def _together(bench: Bench, origin: ScriptedOrigin, names: list[str]) -> list[str]:
    """What visitors get who ask for /x while the first of them still waits."""
    gate = origin.hold["/x"] = asyncio.Event()
    origin.seen.clear()
    running = [asyncio.create_task(bench.visitor(who=name).get("/x")) for name in names]
    await until(lambda: origin.seen)
    await bench.settle()
    gate.set()
    return [got.text for got in await asyncio.gather(*running)]


@pytest.mark.parametrize("ends", ["purge", "time"])
async def test_what_was_for_all_lately_is_asked_for_once(
    plain_bench: Bench, origin: ScriptedOrigin, ends: str
) -> None:
    origin.pages["/x"] = _counted(FRESH)
    await plain_bench.get("/x")
    if ends == "purge":
        plain_bench.purge(urls=("http://shop.test/x",))
    else:
        plain_bench.clock.tick(60)
        plain_bench.edge.memory.expire(plain_bench.clock.now)

    assert await _together(plain_bench, origin, ["a", "b", "c"]) == ["1", "1", "1"]
    assert len(origin.seen) == 1
    assert plain_bench.edge.tally.collapsed.values[("response",)] == 2


@pytest.mark.parametrize("control", ["private", "no-store", ""])
async def test_an_answer_that_is_for_one_now_is_nobody_elses(
    plain_bench: Bench, origin: ScriptedOrigin, control: str
) -> None:
    origin.pages["/x"] = _counted(FRESH)
    await plain_bench.get("/x")
    plain_bench.purge(urls=("http://shop.test/x",))
    origin.pages["/x"] = lambda seen: Answer(
        200, [("cache-control", control)] if control else [], seen.cookies["who"].encode()
    )

    assert await _together(plain_bench, origin, ["alice", "bob"]) == ["alice", "bob"]
    origin.seen.clear()
    assert await _together(plain_bench, origin, ["alice", "bob"]) == ["alice", "bob"]
    assert len(origin.seen) == 2  # it is known by now, so nobody waits for anybody


async def test_who_waits_for_another_variant_gets_their_own(
    plain_bench: Bench, origin: ScriptedOrigin
) -> None:
    origin.pages["/x"] = lambda seen: Answer(
        200, [FRESH, ("vary", "Cookie")], seen.cookies["who"].encode()
    )
    await plain_bench.visitor(who="first").get("/x")
    plain_bench.purge(urls=("http://shop.test/x",))

    assert await _together(plain_bench, origin, ["alice", "bob", "alice"]) == [
        "alice",
        "bob",
        "alice",
    ]


async def test_a_dead_origin_is_asked_once_by_all_who_wait(
    plain_bench: Bench, origin: ScriptedOrigin
) -> None:
    origin.pages["/x"] = _counted(FRESH)
    await plain_bench.get("/x")
    plain_bench.purge(urls=("http://shop.test/x",))
    origin.down = True
    got = await asyncio.gather(*(plain_bench.get("/x") for _ in range(5)))

    assert [one.status for one in got] == [502] * 5
    assert plain_bench.edge.tally.origin_failures.values[("probe", "connect")] == 1


async def test_what_has_become_too_large_passes_to_each(
    origin: ScriptedOrigin,
) -> None:
    origin.manifest = None
    origin.pages["/x"] = _counted(FRESH)
    async with Bench(origin, object_bytes=1000) as bench:
        await bench.get("/x")
        bench.purge(urls=("http://shop.test/x",))
        origin.pages["/x"] = Answer(200, [FRESH], b"x" * 5000)

        assert await _together(bench, origin, ["a", "b"]) == ["x" * 5000] * 2
