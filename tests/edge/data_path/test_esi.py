"""ESI pages over HTTP: what is asked for, when, of whom, kept for whom, and what leaves.

The language itself is in tests/conformance/esi, the bad inputs are in tests/conformance/bad_inputs.
"""

from __future__ import annotations

import asyncio
import gzip
import zlib
from collections.abc import Callable
from typing import Any

import brotli
import pytest
import zstandard
from bench import Bench, RawExchange, until

from origin import Answer, ScriptedOrigin, Seen

ESI = ("surrogate-control", 'content="ESI/1.0"')
HTML = ("content-type", "text/html")
FRESH = ("cache-control", "max-age=60")


def document(text: str, *headers: tuple[str, str]) -> Answer:
    return Answer(200, [HTML, ESI, *headers], text.encode())


def fragment(text: str, *headers: tuple[str, str]) -> Answer:
    return Answer(200, [HTML, *headers], text.encode())


def include(path: str, more: str = "") -> str:
    return f'<esi:include src="{path}" {more}/>'


def counted(*headers: tuple[str, str]) -> Callable[[Seen], Answer]:
    numbers = iter(range(1, 100))
    return lambda _: fragment(f"[{next(numbers)}]", *headers)


def asked(origin: ScriptedOrigin, path: str) -> list[Seen]:
    return [seen for seen in origin.seen if seen.target.partition("?")[0] == path]


@pytest.fixture(autouse=True)
def plain(origin: ScriptedOrigin) -> None:
    """These sites know nothing of two passes."""
    origin.manifest = None


class TestFetching:
    async def test_all_at_once_and_in_the_order_of_the_page(
        self, bench: Bench, origin: ScriptedOrigin
    ) -> None:
        first, second = asyncio.Event(), asyncio.Event()
        origin.pages |= {
            "/": document(f"<{include('/a')}|{include('/b')}>"),
            "/a": Answer(200, [HTML], [first, b"A"]),
            "/b": Answer(200, [HTML], [second, b"B"]),
        }
        exchange = RawExchange(bench, "GET", "/")
        running = asyncio.create_task(exchange.run())
        await until(lambda: asked(origin, "/a") and asked(origin, "/b"))
        await exchange.started.wait()
        assert b"".join(exchange.pieces) == b"<"  # the head and what stands before leave at once

        second.set()
        await bench.settle()
        assert b"".join(exchange.pieces) == b"<"
        first.set()
        await running
        assert b"".join(exchange.pieces) == b"<A|B>"
        assert dict(exchange.start["headers"])[b"x-accel-buffering"] == b"no"  # type: ignore[index]

    async def test_a_fragment_leaves_as_it_comes(
        self, bench: Bench, origin: ScriptedOrigin
    ) -> None:
        rest = asyncio.Event()
        origin.pages |= {
            "/": document(f"<{include('/a')}>"),
            "/a": Answer(200, [HTML], [b"one ", rest, b"two"]),
        }
        exchange = RawExchange(bench, "GET", "/")
        running = asyncio.create_task(exchange.run())
        await until(lambda: b"".join(exchange.pieces) == b"<one ")
        rest.set()
        await running
        assert b"".join(exchange.pieces) == b"<one two>"

    async def test_kept_by_its_own_headers(self, bench: Bench, origin: ScriptedOrigin) -> None:
        origin.pages |= {
            "/": document(include("/kept") + include("/new"), FRESH),
            "/kept": counted(("cache-control", "max-age=10")),
            "/new": counted(("cache-control", "no-store")),
        }
        assert (await bench.get("/")).text == "[1][1]"
        assert (await bench.get("/")).text == "[1][2]"
        bench.clock.tick(11)
        assert (await bench.get("/")).text == "[2][3]"
        assert len(asked(origin, "/")) == 1

    async def test_the_same_entry_as_the_resource_itself(
        self, bench: Bench, origin: ScriptedOrigin
    ) -> None:
        origin.pages |= {"/": document(include("/part")), "/part": counted(FRESH)}
        assert (await bench.get("/part")).text == "[1]"
        assert (await bench.get("/")).text == "[1]"
        bench.purge(urls=("http://shop.test/part",))
        assert (await bench.get("/")).text == "[2]"

    async def test_stale_ones_are_validated_once(
        self, bench: Bench, origin: ScriptedOrigin
    ) -> None:
        def part(seen: Seen) -> Answer:
            if seen["if-none-match"] == '"v"':
                return Answer(304, [FRESH, ("etag", '"v"')])
            return fragment("[part]", FRESH, ("etag", '"v"'))

        origin.pages |= {"/": document(include("/part"), FRESH), "/part": part}
        await bench.get("/")
        bench.clock.tick(61)
        assert (await bench.get("/")).text == "[part]"
        assert [seen["if-none-match"] for seen in asked(origin, "/part")] == [None, '"v"']

    async def test_a_document_that_is_validated_is_played_still(
        self, bench: Bench, origin: ScriptedOrigin
    ) -> None:
        def page(seen: Seen) -> Answer:
            if seen["if-none-match"] == '"v"':
                return Answer(304, [FRESH, ("etag", '"v"')])
            return document(f"<{include('/part')}>", FRESH, ("etag", '"v"'))

        origin.pages |= {"/": page, "/part": fragment("P", FRESH)}
        await bench.get("/")
        bench.clock.tick(61)
        assert (await bench.get("/")).text == "<P>"
        assert len(asked(origin, "/")) == 2

    async def test_conditions_and_ranges_are_the_pages(
        self, bench: Bench, origin: ScriptedOrigin
    ) -> None:
        origin.pages |= {"/": document(include("/part")), "/part": fragment("P")}
        headers = {
            "range": "bytes=0-1", "if_none_match": '"x"', "accept_encoding": "gzip",
            "if_modified_since": "Thu, 02 Jan 2020 00:00:00 GMT", "if_range": '"x"',
        }  # fmt: skip
        await bench.get("/", **headers, x_mine="kept")
        names = {name for name, _ in asked(origin, "/part")[0].headers}
        assert not names & {name.replace("_", "-") for name in headers}
        assert asked(origin, "/part")[0]["x-mine"] == "kept"

    async def test_an_answer_to_a_post_is_played_with_fragments_by_get(
        self, bench: Bench, origin: ScriptedOrigin
    ) -> None:
        origin.pages |= {"/": document(include("/part")), "/part": fragment("P")}
        exchange = RawExchange(
            bench, "POST", "/", headers=[("content-length", "4")], body=[b"a=bc"]
        )
        await exchange.run()
        assert exchange.got().text == "P"
        part = asked(origin, "/part")[0]
        assert (part.method, part.body, part["content-length"]) == ("GET", b"", None)

    async def test_head_asks_for_no_fragment(self, bench: Bench, origin: ScriptedOrigin) -> None:
        origin.pages |= {"/": document(include("/part"), FRESH, ("etag", '"v"'))}
        for _ in range(2):
            got = await bench.visitor().get("/", "HEAD")
            assert (got.status, got.text) == (200, "")
            assert "etag" not in got.headers
            assert "content-length" not in got.headers
            assert asked(origin, "/part") == []
            await bench.get("/")
            origin.seen.clear()

    async def test_an_origin_is_told_that_esi_is_played(
        self, bench: Bench, origin: ScriptedOrigin
    ) -> None:
        origin.pages["/"] = fragment("x")
        await bench.get("/")
        assert "ESI/1.0" in (origin.seen[-1]["surrogate-capability"] or "")


class TestCollapsing:
    async def test_who_waits_shares_what_is_kept(
        self, bench: Bench, origin: ScriptedOrigin
    ) -> None:
        origin.pages |= {"/": document(include("/part"), FRESH), "/part": fragment("P", FRESH)}
        await bench.get("/")
        bench.purge(urls=("http://shop.test/part",))
        origin.seen.clear()
        gate = origin.hold["/part"] = asyncio.Event()
        running = [asyncio.create_task(bench.get("/")) for _ in range(5)]
        await until(lambda: asked(origin, "/part"))
        await bench.settle()
        gate.set()
        assert {got.text for got in await asyncio.gather(*running)} == {"P"}
        assert len(asked(origin, "/part")) == 1

    @pytest.mark.parametrize("control", ["private", "no-store", "private, max-age=60", ""])
    async def test_what_is_personal_is_nobody_elses(
        self, bench: Bench, origin: ScriptedOrigin, control: str
    ) -> None:
        headers = [("cache-control", control)] if control else []
        gate = origin.hold["/part"] = asyncio.Event()
        origin.pages |= {
            "/": document(include("/part"), FRESH),
            "/part": lambda seen: fragment(f"for {seen.cookies['who']}", *headers),
        }
        names = ["alice", "bob", "carol"]
        running = [asyncio.create_task(bench.visitor(who=name).get("/")) for name in names]
        await until(lambda: asked(origin, "/part"))
        await bench.settle()
        gate.set()
        assert [got.text for got in await asyncio.gather(*running)] == [f"for {n}" for n in names]

    async def test_the_head_of_a_personal_one_releases_those_who_wait(
        self, bench: Bench, origin: ScriptedOrigin
    ) -> None:
        body, head = asyncio.Event(), asyncio.Event()
        origin.hold["/part"] = head
        private = ("cache-control", "private")
        origin.pages |= {
            "/": document(include("/part"), FRESH),
            "/part": lambda _: Answer(200, [HTML, private], [body, b"P"]),
        }
        running = [asyncio.create_task(bench.get("/")) for _ in range(3)]
        await until(lambda: asked(origin, "/part"))
        await bench.settle()
        assert len(asked(origin, "/part")) == 1
        head.set()
        await until(lambda: len(asked(origin, "/part")) == 3)
        body.set()
        assert [got.text for got in await asyncio.gather(*running)] == ["P"] * 3

    async def test_who_is_known_to_be_personal_waits_for_nobody(
        self, bench: Bench, origin: ScriptedOrigin
    ) -> None:
        origin.pages |= {
            "/": document(include("/part"), FRESH),
            "/part": lambda seen: fragment(seen.cookies["who"], ("cache-control", "private")),
        }
        await bench.visitor(who="first").get("/")
        origin.seen.clear()
        gate = origin.hold["/part"] = asyncio.Event()
        running = [asyncio.create_task(bench.visitor(who=who).get("/")) for who in "abc"]
        await until(lambda: len(asked(origin, "/part")) == 3)
        gate.set()
        assert [got.text for got in await asyncio.gather(*running)] == ["a", "b", "c"]


class TestWhoSees:
    async def test_cookies_and_credentials_stay_with_the_pages_host(
        self, origin: ScriptedOrigin
    ) -> None:
        origin.pages |= {
            "/": document(include("/own") + include("http://other.test/theirs")),
            "/own": fragment("own"),
            "/theirs": fragment("theirs"),
        }
        async with Bench(origin, esi_host=("other.test",)) as bench:
            got = await bench.visitor(who="me").get("/", authorization="Basic x", referer="/r")
        assert got.text == "owntheirs"
        own, theirs = asked(origin, "/own")[0], asked(origin, "/theirs")[0]
        assert (own["host"], own["cookie"], own["authorization"]) == (
            "shop.test", "who=me", "Basic x",
        )  # fmt: skip
        assert theirs["host"] == theirs["x-forwarded-host"] == "other.test"
        for name in ("cookie", "authorization", "referer"):
            assert theirs[name] is None

    async def test_cookies_of_fragments_reach_nobody(
        self, bench: Bench, origin: ScriptedOrigin
    ) -> None:
        origin.pages |= {
            "/": document(include("/part"), ("set-cookie", "page=1")),
            "/part": fragment("P", FRESH, ("set-cookie", "part=1")),
        }
        for _ in range(2):
            assert (await bench.get("/")).set_cookies == {"page": "1"}
        assert len(asked(origin, "/part")) == 2

    @pytest.mark.parametrize(
        ("allowed", "shown"), [((), ""), (("lang",), "de"), (("*",), "de;s3cret")]
    )
    async def test_variables_show_the_cookies_that_are_allowed(
        self, origin: ScriptedOrigin, allowed: tuple[str, ...], shown: str
    ) -> None:
        names = "$(HTTP_COOKIE{lang})", "$(HTTP_COOKIE{sessionid})"
        origin.pages["/"] = document(f"<esi:vars>{names[0]}{names[1]}</esi:vars>")
        async with Bench(origin, esi_cookie=allowed) as bench:
            got = await bench.visitor(lang="de", sessionid="s3cret").get("/")
        assert got.text == shown.replace(";", "")


class TestOriginsOfTheirOwn:
    async def test_includes_of_a_mapped_host_come_from_there(self, origin: ScriptedOrigin) -> None:
        heads: list[bytes] = []

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            heads.append((await reader.readuntil(b"\r\n\r\n")).lower())
            kept = b"cache-control: max-age=60\r\ncontent-length: 4\r\n\r\nnews"
            writer.write(b"HTTP/1.1 200 OK\r\n" + kept)
            await writer.drain()
            writer.close()

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        origin.pages["/"] = document(include("http://news.test/today?a=1"), FRESH)
        address = f"news.test=http://127.0.0.1:{port}"
        async with server, Bench(origin, esi_origin=(address,), hosts=()) as bench:
            for _ in range(2):
                assert (await bench.visitor(who="me").get("/", authorization="x")).text == "news"
            stranger = await bench.ask("GET", "/today?a=1", [], host="news.test")

        assert len(heads) == 1
        assert heads[0].startswith(b"get /today?a=1 http/1.1\r\nhost: news.test\r\n")
        for name in (b"twopass", b"cookie", b"authorization"):
            assert not [line for line in heads[0].split(b"\r\n") if line.startswith(name)]
        # or visitors could fill the store with what another origin says under that name
        assert stranger.status == 421
        assert not [seen for seen in origin.seen if seen["host"] == "news.test"]

    async def test_one_that_resolves_to_the_inside_costs_its_place(
        self, origin: ScriptedOrigin
    ) -> None:
        origin.pages["/"] = document(f"<{include('http://news.test/')}>")
        async with Bench(origin, esi_origin=("news.test=http://localhost:9",)) as bench:
            assert (await bench.get("/")).text == "<>"


class TestFailing:
    @pytest.mark.parametrize("status", [301, 404, 500])
    async def test_costs_its_place_and_is_counted(
        self, bench: Bench, origin: ScriptedOrigin, status: int
    ) -> None:
        origin.pages |= {
            "/": document(f"<{include('/part')}>"),
            "/part": Answer(status, [HTML, ("location", "/elsewhere")], b"error page"),
        }
        got = await bench.get("/")
        assert (got.status, got.text) == (200, "<>")
        assert bench.edge.tally.esi_fragments.values[("failed",)] == 1

    async def test_strict_fails_the_page(self, origin: ScriptedOrigin) -> None:
        origin.pages |= {"/": document(f"<{include('/part')}>"), "/part": Answer(500)}
        async with Bench(origin, esi_strict=True) as bench:
            got = await bench.get("/")
        assert got.status == 502
        assert "<" not in got.text
        assert got.headers["cache-control"] == "no-store"

    async def test_strict_sends_a_page_that_is_whole(self, origin: ScriptedOrigin) -> None:
        origin.pages |= {"/": document(f"<{include('/part')}>"), "/part": fragment("P")}
        async with Bench(origin, esi_strict=True) as bench:
            got = await bench.get("/")
        assert (got.status, got.text) == (200, "<P>")

    async def test_the_origin_is_gone_for_fragments(
        self, bench: Bench, origin: ScriptedOrigin
    ) -> None:
        stale = ("cache-control", "max-age=1, stale-if-error=600")
        origin.pages |= {
            "/": document(f"<{include('/kept')}{include('/gone')}>", stale),
            "/kept": fragment("K", stale),
            "/gone": fragment("G"),
        }
        await bench.get("/")
        bench.clock.tick(10)
        origin.down = True
        got = await bench.get("/")
        assert (got.status, got.text) == (200, "<K>")

    @pytest.mark.parametrize(
        "headers", [[], [("content-encoding", "gzip")], [("content-encoding", "compress")]]
    )
    async def test_a_document_that_cannot_be_played_is_no_page(
        self, bench: Bench, origin: ScriptedOrigin, headers: list[tuple[str, str]]
    ) -> None:
        body = b"<esi:vars>" + b"<esi:remove/>" * 60_000
        origin.pages["/"] = Answer(200, [HTML, ESI, FRESH, *headers], body)
        for _ in range(2):
            got = await bench.get("/")
            assert got.status == 502
            assert "esi:" not in got.text
        assert len(asked(origin, "/")) == 2

    async def test_a_renewed_one_that_cannot_leaves_the_stale_one(
        self, bench: Bench, origin: ScriptedOrigin
    ) -> None:
        fields = [HTML, ESI, ("cache-control", "max-age=1, stale-if-error=600")]
        bodies = iter([b"good", b"<esi:remove/>" * 60_000])
        origin.pages["/"] = lambda _: Answer(200, fields, next(bodies))
        await bench.get("/")
        bench.clock.tick(5)
        assert (await bench.get("/")).text == "good"

    async def test_too_late_costs_its_place(self, bench: Bench, origin: ScriptedOrigin) -> None:
        origin.hold["/part"] = asyncio.Event()
        origin.pages |= {"/": document(f"<{include('/part', 'maxwait=20')}>"), "/part": Answer()}
        assert (await bench.get("/")).text == "<>"

    async def test_too_late_for_one_is_in_time_for_the_next(
        self, bench: Bench, origin: ScriptedOrigin
    ) -> None:
        gate = origin.hold["/part"] = asyncio.Event()
        origin.pages |= {
            "/": document(f"<{include('/part', 'maxwait=20')}>"),
            "/part": fragment("P", FRESH),
        }
        assert (await bench.get("/")).text == "<>"
        gate.set()
        await until(lambda: len(bench.edge.memory.responses))
        assert (await bench.get("/")).text == "<P>"
        assert len(asked(origin, "/part")) == 1

    async def test_the_pages_deadline_counts_for_all(self, origin: ScriptedOrigin) -> None:
        origin.hold["/part"] = asyncio.Event()
        origin.pages |= {"/": document(f"<{include('/part', 'maxwait=60s')}>"), "/part": Answer()}
        async with Bench(origin, page_deadline=0.02) as bench:
            assert (await bench.get("/")).text == "<>"

    async def test_who_leaves_stops_the_fetches(self, bench: Bench, origin: ScriptedOrigin) -> None:
        origin.pages |= {
            "/": document(include("/part")),
            "/part": Answer(200, [HTML, FRESH], [b"x", asyncio.Event()]),
        }
        exchange = RawExchange(bench, "GET", "/")
        running = asyncio.create_task(exchange.run())
        await until(lambda: b"".join(exchange.pieces) == b"x")
        exchange.gone.set()
        await running
        await until(lambda: origin.cut)
        assert bench.edge.tally.clients_gone.values[()] == 1


class TestLifetimes:
    async def test_ttl_replaces_the_lifetime(self, bench: Bench, origin: ScriptedOrigin) -> None:
        origin.pages |= {"/": document(include("/part", 'ttl="10m"')), "/part": counted(FRESH)}
        await bench.get("/")
        bench.clock.tick(500)
        assert (await bench.get("/")).text == "[1]"
        bench.clock.tick(200)
        assert (await bench.get("/")).text == "[2]"

    @pytest.mark.parametrize("control", ["private, max-age=60", "no-store", "no-cache", ""])
    async def test_ttl_makes_nothing_shared(
        self, bench: Bench, origin: ScriptedOrigin, control: str
    ) -> None:
        headers = [("cache-control", control)] if control else []
        origin.pages |= {
            "/": document(include("/part", 'ttl="10m"'), FRESH),
            "/part": counted(*headers),
        }
        assert (await bench.get("/")).text == "[1]"
        assert (await bench.get("/")).text == "[2]"


class TestWhatLeaves:
    async def test_a_page_at_hand_has_a_validator_over_all_of_it(
        self, bench: Bench, origin: ScriptedOrigin
    ) -> None:
        origin.pages |= {
            "/": document(f"<{include('/part')}>", FRESH, ("etag", '"document"')),
            "/part": counted(("cache-control", "max-age=30")),
        }
        await bench.get("/")
        got = await bench.get("/")
        tag = got.headers["etag"]
        assert tag.startswith('W/"')
        assert got.headers["content-length"] == "5"
        assert got.headers["cache-control"] == "max-age=30"

        same = await bench.get("/", if_none_match=tag)
        assert (same.status, same.text, same.headers["etag"]) == (304, "", tag)
        for stranger in ('"document"', 'W/"document"'):
            assert (await bench.get("/", if_none_match=stranger)).status == 200
        bench.clock.tick(31)
        changed = await bench.get("/", if_none_match=tag)
        assert (changed.status, changed.text) == (200, "<[2]>")
        assert (await bench.get("/")).headers["etag"] != tag

    async def test_a_page_that_is_not_is_nobodys_to_keep(
        self, bench: Bench, origin: ScriptedOrigin
    ) -> None:
        dated = ("last-modified", "Wed, 01 Jan 2020 00:00:00 GMT")
        headers = [FRESH, dated, ("etag", '"v"'), ("expires", "Thu, 01 Jan 2099 00:00:00 GMT")]
        origin.pages |= {
            "/": document(include("/part"), *headers),
            "/part": fragment("P", ("cache-control", "private")),
        }
        for _ in range(2):
            got = await bench.get("/")
            assert got.headers["cache-control"] == "private, no-store"
            for name in ("etag", "last-modified", "expires", "age", "surrogate-control"):
                assert name not in got.headers

    async def test_vary_is_that_of_all_parts(self, bench: Bench, origin: ScriptedOrigin) -> None:
        text = f"<esi:vars>$(HTTP_ACCEPT_LANGUAGE{{de}})</esi:vars>{include('/part')}"
        origin.pages |= {
            "/": document(text, FRESH, ("vary", "X-A")),
            "/part": fragment("P", FRESH, ("vary", "X-B")),
        }
        await bench.get("/")
        vary = (await bench.get("/")).headers["vary"]
        assert vary == "accept-language, x-a, x-b"

    @pytest.mark.parametrize("fields", [("content-range", "bytes 0-3/99"), ("x-any", "")])
    @pytest.mark.parametrize("status", [206, 304])
    async def test_parts_of_documents_are_no_parts_of_pages(
        self, bench: Bench, origin: ScriptedOrigin, status: int, fields: tuple[str, str]
    ) -> None:
        def page(seen: Seen) -> Answer:
            if seen["range"] or seen["if-none-match"]:
                return Answer(status, [HTML, ESI, fields], b"<esi")
            return document(f"<{include('/part')}>")

        origin.pages |= {"/": page, "/part": fragment("P")}
        got = await bench.get("/", range="bytes=0-3", if_none_match='"x"')
        assert (got.status, got.text) == (200, "<P>")
        assert "content-range" not in got.headers

    async def test_the_trace(self, bench: Bench, origin: ScriptedOrigin) -> None:
        origin.pages |= {
            "/": document(include("/kept") + include("/new"), FRESH),
            "/kept": fragment("K", FRESH),
            "/new": fragment("N"),
        }
        first, second = await bench.get("/"), await bench.get("/")
        assert first.cache_status == "twopass; fwd=uri-miss; fwd-status=200; stored"
        assert second.cache_status == "twopass; hit; ttl=60"
        assert first.headers["server-timing"] == 'esi;desc="0 held, 2 asked"'
        assert second.headers["server-timing"] == 'esi;desc="1 held, 1 asked"'


CODERS: dict[str, Callable[[bytes], bytes]] = {
    "identity": bytes,
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "br": brotli.compress,
    "zstd": zstandard.compress,
    "br, gzip": lambda data: gzip.compress(brotli.compress(data)),
}


def zipped(text: str, *headers: tuple[str, str]) -> Answer:
    """A document that the origin has compressed."""
    fields = [HTML, ESI, ("content-encoding", "gzip"), *headers]
    return Answer(200, fields, gzip.compress(text.encode()))


class TestCodings:
    @pytest.mark.parametrize("outer", CODERS)
    @pytest.mark.parametrize("inner", CODERS)
    async def test_any_mix(
        self, bench: Bench, origin: ScriptedOrigin, outer: str, inner: str
    ) -> None:
        def coded(text: str, coding: str, *headers: tuple[str, str]) -> Answer:
            fields = [HTML, FRESH, ("content-encoding", coding), *headers]
            return Answer(200, fields, CODERS[coding](text.encode()))

        origin.pages |= {
            "/": coded(f"<{include('/part')}>", outer, ESI),
            "/part": coded("P" * 1000, inner),
        }
        for _ in range(2):
            got = await bench.get("/", accept_encoding="identity")
            assert got.text == f"<{'P' * 1000}>"
            assert "content-encoding" not in got.headers
            zipped = await bench.get("/", accept_encoding="br, gzip")
            if outer == "identity":
                assert zipped.text == got.text
                continue
            assert zipped.headers["content-encoding"] == "gzip"
            assert "accept-encoding" in zipped.headers["vary"]
            assert gzip.decompress(zipped.text.encode("latin-1")).decode() == got.text

    async def test_compressed_pages_stream_too(self, bench: Bench, origin: ScriptedOrigin) -> None:
        gate = asyncio.Event()
        body = gzip.compress(f"before {include('/part')} after".encode())
        origin.pages |= {
            "/": Answer(200, [HTML, ESI, FRESH, ("content-encoding", "gzip")], body),
            "/part": Answer(200, [HTML], [gate, b"P"]),
        }
        exchange = RawExchange(bench, "GET", "/", headers=[("accept-encoding", "gzip")])
        running = asyncio.create_task(exchange.run())
        decoder = zlib.decompressobj(wbits=31)
        await until(lambda: any(exchange.pieces))
        assert decoder.decompress(b"".join(exchange.pieces)) == b"before "
        sent = len(exchange.pieces)
        gate.set()
        await running
        rest: Any = decoder.decompress(b"".join(exchange.pieces[sent:]))
        assert rest == b"P after"
        assert decoder.eof

    async def test_what_is_for_all_is_compressed_once(
        self, bench: Bench, origin: ScriptedOrigin
    ) -> None:
        text, own = "<li>like all others</li>" * 100, "only for ann " * 10
        nested = (
            f'<esi:choose><esi:when test="1==1">{text}{include("/own")}</esi:when></esi:choose>'
        )
        origin.pages |= {
            "/": zipped(text + nested, FRESH),
            "/own": fragment(own, ("cache-control", "private, no-store")),
        }
        for _ in range(2):
            got = await bench.get("/", accept_encoding="gzip")
            body = got.text.encode("latin-1")
            assert gzip.decompress(body).decode() == text * 2 + own
            assert own.encode() in body  # as it is
            assert len(body) < len(text) / 5 + len(own)

    @pytest.mark.parametrize(
        "place", ["fragment", "streamed", "variable", "private", "vary", "silent", "no-store"]
    )
    async def test_no_length_tells_a_secret(self, origin: ScriptedOrigin, place: str) -> None:
        """BREACH: what is guessed makes a page no shorter for being right."""
        control = {"silent": [], "vary": [FRESH, ("vary", "cookie")]}.get(
            place, [("cache-control", {"private": "private, max-age=60"}.get(place, place))]
        )
        shown = "<esi:vars>$(QUERY_STRING{q}) $(HTTP_COOKIE{token})</esi:vars>"

        def page(seen: Seen) -> Answer:
            guess, text = seen.target.partition("=")[2], "text that is for all " * 20
            match place:
                case "fragment" | "streamed":
                    return zipped(f"{text}{guess}{include('/own')}", FRESH)
                case "variable":
                    return zipped(text + shown, FRESH)
                case _:
                    return zipped(f"{text}{seen['cookie']}{guess}{include('/own')}", *control)

        def own(seen: Seen) -> Answer:
            body = str(seen["cookie"]).encode()
            headers = [HTML, ("cache-control", "private, no-store")]
            return Answer(200, headers, [body[:6], body[6:]] if place == "streamed" else body)

        origin.pages |= {"/": page, "/own": own}
        secrets = "token=7f3a9c51e2", "token=b8d04e6c19"
        async with Bench(origin, esi_cookie=("token",)) as bench:
            for guess in (*secrets, "token=7f3a9c0000", "token=", "nothing", "7f3a9c51e2" * 4):
                lengths = set()
                for secret in (*secrets, *secrets):
                    got = await bench.get(f"/?q={guess}", accept_encoding="gzip", cookie=secret)
                    lengths.add(len(got.text))
                assert len(lengths) == 1
                assert secret[6:] in got.text  # as it is
