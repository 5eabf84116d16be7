"""Pages age: refreshed in the background, purged hard and softly, renewed by deploys."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from bench import Bench

from fragments.bundle import Frame
from origin import Answer, ScriptedOrigin, hole, shell


async def test_a_stale_page_is_shown_while_it_is_renewed_once(
    bench: Bench, origin: ScriptedOrigin
) -> None:
    origin.pages["/"] = shell(b"old", max_age=10, stale_while_revalidate=60)
    await bench.get("/")
    origin.pages["/"] = shell(b"new", max_age=10, stale_while_revalidate=60)
    bench.clock.tick(11)
    origin.hold["/"] = asyncio.Event()

    pages = await asyncio.gather(*(bench.get("/") for _ in range(5)))
    origin.hold["/"].set()
    await bench.settle()
    renewed = await bench.get("/")

    assert {page.text for page in pages} == {"old"}
    assert pages[0].cache_status == "twopass; hit; ttl=-1; detail=stale-while-revalidate"
    assert renewed.text == "new"
    assert [seen.kind for seen in origin.seen] == ["probe", "first"]


async def test_a_stale_fragment_is_shown_while_it_is_renewed(
    bench: Bench, origin: ScriptedOrigin
) -> None:
    def frame(text: bytes) -> Frame:
        return Frame(0, 200, (text,), "public", 10, stale_while_revalidate=60)

    origin.pages["/"] = shell(hole("x", scope="public"), max_age=1000)
    origin.fragments["x"] = frame(b"old")
    await bench.get("/")
    origin.fragments["x"] = frame(b"new")
    bench.clock.tick(11)

    stale = await bench.get("/")
    await bench.settle()
    renewed = await bench.get("/")

    assert (stale.text, renewed.text) == ("old", "new")
    assert "etag" not in stale.headers


async def test_a_soft_purge_shows_the_old_page_once_more(
    bench: Bench, origin: ScriptedOrigin
) -> None:
    origin.pages["/"] = shell(b"old", groups=("g",))
    await bench.get("/")
    origin.pages["/"] = shell(b"new", groups=("g",))

    bench.purge(groups=("g",), soft=True)
    first = await bench.get("/")
    await bench.settle()

    assert first.text == "old"
    assert (await bench.get("/")).text == "new"


async def test_purges_by_url_drop_every_spelling_query_and_variant(
    bench: Bench, origin: ScriptedOrigin
) -> None:
    count = iter(range(100))
    origin.pages["/list"] = lambda seen: shell(str(next(count)).encode())
    origin.pages["/other"] = lambda seen: shell(str(next(count)).encode())
    targets = ("/list", "/list?page=2", "/other")
    before = [(await bench.get(target)).text for target in targets]

    bench.purge(urls=("HTTP://SHOP.test:80/%6cist?whatever",))
    after = [(await bench.get(target)).text for target in targets]

    assert after[0] != before[0]
    assert after[1] != before[1]
    assert after[2] == before[2]


async def test_purges_by_prefix_and_of_everything(bench: Bench, origin: ScriptedOrigin) -> None:
    for path in ("/blog/1", "/blog/2", "/shop"):
        origin.pages[path] = shell(b".")
        await bench.get(path)

    bench.purge(prefixes=("http://shop.test/blog/",))
    assert [entry["url"] for entry in bench.edge.objects()] == ["http://shop.test/shop"]
    bench.purge(everything=True)
    assert bench.edge.objects() == []


async def test_a_first_pass_after_a_purge_asks_for_its_position(
    bench: Bench, origin: ScriptedOrigin
) -> None:
    origin.pages["/"] = shell(hole("x"), groups=("g",))
    origin.fragments["x"] = b"x"
    await bench.get("/")
    bench.purge(groups=("g",), lsn="0/16B3748")
    bench.purge(groups=("h",), lsn="0/16B3740")

    await bench.get("/")

    assert origin.of_kind("first")[0]["twopass-min-lsn"] == "0/16B3748"


async def test_groups_named_by_an_unsafe_answer_are_invalidated(
    bench: Bench, origin: ScriptedOrigin
) -> None:
    count = iter(range(100))
    origin.pages["/"] = lambda seen: shell(str(next(count)).encode(), groups=("g",))
    origin.pages["/save"] = Answer(204, [("cache-group-invalidation", '"g"')])
    await bench.get("/")

    await bench.visitor().get("/save")
    assert (await bench.get("/")).text == "0"
    await bench.visitor().post("/save")
    assert (await bench.get("/")).text == "1"


async def test_a_new_release_makes_pages_of_the_old_one_stale(
    bench: Bench, origin: ScriptedOrigin
) -> None:
    origin.pages["/"] = shell(b"old")
    await bench.get("/")
    assert origin.manifest is not None
    origin.manifest = replace(origin.manifest, release="r2")
    origin.pages["/"] = shell(b"new", release="r2")

    assert await bench.edge.manifest.fetch() == "ok"
    await bench.get("/")
    await bench.settle()

    assert (await bench.get("/")).text == "new"


async def test_a_page_that_is_not_to_be_kept_is_made_for_each_and_shared_in_flight(
    bench: Bench, origin: ScriptedOrigin
) -> None:
    origin.routes(r"\A/now\Z")
    await bench.edge.manifest.fetch()
    origin.pages["/now"] = shell(b".", max_age=0)
    origin.hold["/now"] = asyncio.Event()
    asked = [asyncio.create_task(bench.get("/now")) for _ in range(5)]
    await bench.settle()
    origin.hold["/now"].set()

    statuses = {page.cache_status for page in await asyncio.gather(*asked)}
    await bench.get("/now")

    assert statuses == {
        "twopass; fwd=uri-miss; fwd-status=200; ttl=0",
        "twopass; fwd=uri-miss; fwd-status=200; ttl=0; collapsed",
    }
    assert len(origin.of_kind("first")) == 2
    assert bench.edge.objects() == []
