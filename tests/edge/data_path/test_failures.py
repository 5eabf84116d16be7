"""The page survives the fragment, and the site survives the origin."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

import httpx
import pytest
from bench import Bench
from sockets import edge_before, raw

from fragments.bundle import Frame, Head, Verdict
from fragments.shell import CONTENT_TYPE, Shell
from origin import Answer, ScriptedOrigin, Seen, as_asgi, hole, shell, token

IMPATIENT = {"fragment_deadline": 0.02, "page_deadline": 0.06, "first_pass_timeout": 0.02}


@pytest.fixture
async def impatient(origin: ScriptedOrigin) -> AsyncIterator[Bench]:
    """For tests of what never comes: whatever else takes as long on a busy machine."""
    async with Bench(origin, **IMPATIENT) as running:
        yield running


async def test_a_failing_fragment_costs_its_own_place(bench: Bench, origin: ScriptedOrigin) -> None:
    origin.pages["/"] = shell(b"<", hole("broken"), b"|", hole("fine"), b">")
    origin.fragments = {"broken": None, "fine": b"ok"}

    page = await bench.visitor(sessionid="a").get("/")

    assert (page.status, page.text) == (200, "<|ok>")
    assert bench.edge.tally.fragments.values[("nothing",)] == 1


async def test_the_placeholder_stands_for_a_slow_fragment(
    impatient: Bench, origin: ScriptedOrigin
) -> None:
    origin.pages["/"] = shell(b"<", hole("slow", placeholder=b"..."), b">")
    origin.fragments = {"slow": b"late"}
    origin.hold["slow"] = asyncio.Event()

    page = await impatient.visitor(sessionid="a").get("/")

    assert page.text == "<...>"


async def test_a_fragment_that_came_late_is_there_the_next_time(
    impatient: Bench, origin: ScriptedOrigin
) -> None:
    origin.pages["/"] = shell(hole("slow", deadline=0.005))
    origin.fragments = {"slow": b"late"}
    origin.hold["slow"] = asyncio.Event()
    ann = impatient.visitor(sessionid="a")
    assert (await ann.get("/")).text == ""

    origin.hold["slow"].set()
    await impatient.settle()

    assert (await ann.get("/")).text == "late"
    assert len(origin.of_kind("second")) == 1


async def test_the_alt_is_asked_for_when_its_fragment_fails(
    bench: Bench, origin: ScriptedOrigin
) -> None:
    origin.pages["/"] = shell(hole("broken", alt=token("other"), placeholder=b"..."))
    origin.fragments = {"broken": None, "other": b"instead"}

    assert (await bench.visitor(sessionid="a").get("/")).text == "instead"

    origin.fragments["other"] = None
    assert (await bench.visitor(sessionid="b").get("/")).text == "..."


async def test_the_last_good_copy_of_something_private_serves_for_half_a_minute(
    bench: Bench, origin: ScriptedOrigin
) -> None:
    origin.pages["/"] = shell(hole("basket", placeholder=b"?"), max_age=1000)
    origin.fragments["basket"] = Frame(0, 200, (b"3 items",), max_age=10)
    ann = bench.visitor(sessionid="a")
    await ann.get("/")
    origin.fragments["basket"] = None

    texts = []
    for seconds in (9, 2, 28, 2):
        bench.clock.tick(seconds)
        texts.append((await ann.get("/")).text)

    assert texts == ["3 items", "3 items", "3 items", "?"]


async def test_what_must_not_be_stored_has_no_last_good_copy(
    bench: Bench, origin: ScriptedOrigin
) -> None:
    origin.pages["/"] = shell(hole("balance", scope="no-store", placeholder=b"?"))
    origin.fragments["balance"] = b"100"
    ann = bench.visitor(sessionid="a")
    assert (await ann.get("/")).text == "100"
    origin.fragments["balance"] = None

    page = await ann.get("/")

    assert page.text == "?"
    assert page.headers["cache-control"] == "private, no-store"


async def test_no_private_fragment_outlives_its_session(
    bench: Bench, origin: ScriptedOrigin
) -> None:
    origin.pages["/"] = shell(hole("basket", placeholder=b"?"), max_age=1000)
    origin.fragments["basket"] = Frame(0, 200, (b"3 items",), max_age=600)
    origin.head = Head("valid", session_age=5)
    ann = bench.visitor(sessionid="a")
    await ann.get("/")
    origin.fragments["basket"] = None

    bench.clock.tick(4)
    assert (await ann.get("/")).text == "3 items"
    bench.clock.tick(2)
    assert (await ann.get("/")).text == "?"


async def test_stale_pages_serve_while_the_origin_is_down(
    bench: Bench, origin: ScriptedOrigin
) -> None:
    origin.pages["/"] = shell(b"page", max_age=10, stale_if_error=100)
    await bench.get("/")
    origin.down = True
    bench.clock.tick(11)

    page = await bench.get("/")
    again = await bench.get("/")
    bench.clock.tick(100)
    late = await bench.get("/")

    assert (page.status, page.text) == (200, "page")
    assert page.cache_status == "twopass; hit; ttl=-1; detail=stale-if-error"
    assert again.text == "page"
    assert late.status == 502
    assert bench.edge.tally.origin_failures.values[("first", "connect")] == 2, "one try a second"


async def test_the_page_is_asked_for_again_once_the_origin_is_back(
    bench: Bench, origin: ScriptedOrigin
) -> None:
    origin.pages["/"] = shell(b"old", max_age=10, stale_if_error=100)
    await bench.get("/")
    origin.down = True
    bench.clock.tick(11)
    await bench.get("/")
    origin.down = False
    origin.pages["/"] = shell(b"new")

    assert (await bench.get("/")).text == "old"
    bench.clock.tick(1)
    assert (await bench.get("/")).text == "new"


async def test_an_origin_that_hangs_costs_one_request_a_page(
    impatient: Bench, origin: ScriptedOrigin
) -> None:
    origin.pages["/"] = shell(b"page", max_age=10, stale_if_error=100)
    await impatient.get("/")
    impatient.clock.tick(11)
    origin.hold["/"] = asyncio.Event()

    pages = await asyncio.gather(*(impatient.get("/") for _ in range(10)))

    assert {page.text for page in pages} == {"page"}
    assert len(origin.of_kind("first")) == 1


async def test_fragments_fall_back_at_once_while_the_origin_is_known_to_be_down(
    bench: Bench, origin: ScriptedOrigin
) -> None:
    origin.pages["/"] = shell(hole("x", placeholder=b"?"), max_age=1000)
    origin.fragments["x"] = b"x"
    await bench.get("/")
    origin.down = True
    for number in range(10):
        await bench.visitor(sessionid=f"s{number}").get("/")

    assert bench.edge.origin.health.state(bench.clock()) == "open"
    assert bench.edge.tally.origin_failures.values[("second", "connect")] == 5


async def test_errors_are_the_origins_own_where_nothing_stale_is_held(
    bench: Bench, origin: ScriptedOrigin
) -> None:
    origin.routes(r"\A/broken\Z")
    await bench.edge.manifest.fetch()
    origin.pages["/broken"] = lambda seen: (
        Answer(500, [("content-type", "text/html")], b"sorry, Ann")
        if not seen.wants_shell
        else Answer(204, [("twopass-pass", "error")])
    )

    page = await bench.get("/broken")

    assert (page.status, page.text) == (500, "sorry, Ann")
    assert page.cache_status == "twopass; fwd=bypass; fwd-status=500; detail=error"


async def test_a_page_that_cannot_be_a_shell_is_passed_for_a_while(
    bench: Bench, origin: ScriptedOrigin
) -> None:
    origin.routes(r"\A/p\Z")
    await bench.edge.manifest.fetch()
    origin.pages["/p"] = lambda seen: (
        Answer(200, [], b"for you alone")
        if not seen.wants_shell
        else Answer(204, [("twopass-pass", "guard")])
    )

    for _ in range(3):
        page = await bench.get("/p")
        assert page.text == "for you alone"
        assert "detail=guard" in page.cache_status
    bench.clock.tick(5)
    await bench.get("/p")

    assert len(origin.of_kind("first")) == 2
    assert bench.edge.tally.passes.values[("guard",)] == 4


def _gated(verdicts: dict[str, Verdict | None], origin: ScriptedOrigin) -> Shell:
    origin.heads = lambda seen: Head(
        "valid" if seen.cookies else "none", verdict=verdicts[seen.cookies.get("sessionid", "")]
    )
    return shell(b"secret page", gate=True)


async def test_a_gate_decides_for_each_visitor_before_anything_leaves(
    bench: Bench, origin: ScriptedOrigin
) -> None:
    to_login = Verdict(302, (("Location", "/login"), ("TwoPass-X", "1")), b"")
    gone = Verdict(403, (("Content-Type", "text/plain"),), b"not yours")
    origin.pages["/"] = _gated({"": to_login, "ann": None, "eve": gone}, origin)

    anonymous = await bench.get("/")
    ann = await bench.visitor(sessionid="ann").get("/")
    eve = await bench.visitor(sessionid="eve").get("/")
    head = await bench.visitor(sessionid="eve").get("/", "HEAD")

    assert (anonymous.status, anonymous.headers["location"]) == (302, "/login")
    assert "twopass-x" not in anonymous.headers
    assert (ann.status, ann.text) == (200, "secret page")
    assert (eve.status, eve.text, head.status, head.text) == (403, "not yours", 403, "")
    for page in (anonymous, ann, eve):
        assert page.headers["cache-control"] == "private, no-store"
        assert "etag" not in page.headers


async def test_a_gate_that_does_not_answer_stays_shut(
    impatient: Bench, origin: ScriptedOrigin
) -> None:
    origin.pages["/"] = _gated({"ann": None}, origin)
    ann = impatient.visitor(sessionid="ann")
    assert (await ann.get("/")).status == 200
    origin.hold["head"] = asyncio.Event()

    page = await ann.get("/")

    assert page.status == 503
    assert "secret" not in page.text


async def test_a_bundle_that_is_cut_keeps_what_had_come(
    bench: Bench, origin: ScriptedOrigin
) -> None:
    origin.pages["/"] = shell(hole("one"), b",", hole("two", placeholder=b"?"))

    def breaks_off(seen: Seen) -> bytes:
        raise httpx.ReadError("connection reset")

    origin.fragments = {"one": b"1", "two": breaks_off}

    page = await bench.visitor(sessionid="a").get("/")

    assert page.text == "1,?"


async def test_an_origin_without_manifest_is_served_as_plain_http(origin: ScriptedOrigin) -> None:
    origin.manifest = None
    origin.pages["/"] = Answer(200, [], b"plain")
    async with Bench(origin) as bench:
        page = await bench.visitor(sessionid="ann").get("/")
        posted = await bench.visitor(sessionid="ann").post("/")

    assert page.text == "plain"
    assert page.cache_status == "twopass; fwd=uri-miss; fwd-status=200; detail=no-freshness"
    assert not origin.seen[-1].wants_shell
    assert "twopass_epoch" not in posted.set_cookies


async def test_an_edge_without_secret_sets_no_cookie_of_its_own(origin: ScriptedOrigin) -> None:
    origin.pages["/add"] = _times_out
    async with Bench(origin, secret=None) as bench:
        posted = await bench.visitor().post("/add")

    assert (posted.status, posted.set_cookies) == (504, {})


async def test_what_a_restarted_edge_passes_before_it_has_a_manifest_begins_an_epoch(
    origin: ScriptedOrigin,
) -> None:
    """Other workers and nodes may hold what this visitor has just changed."""
    origin.manifest, origin.without_manifest = None, 503
    origin.pages["/add"] = Answer(200)
    async with Bench(origin) as bench:
        visitor = bench.visitor(sessionid="a", twopass_epoch="A" * 22)
        await visitor.post("/add")

    assert visitor.cookies["twopass_epoch"] != "A" * 22


async def test_an_origin_that_denies_its_manifest_for_a_while_still_ends_epochs(
    bench: Bench, origin: ScriptedOrigin
) -> None:
    """As during a deploy: it held fragments before, and will again."""
    origin.manifest = None
    origin.pages["/add"] = Answer(200)
    await bench.edge.manifest.fetch()
    visitor = bench.visitor(sessionid="a", twopass_epoch="A" * 22)
    await visitor.post("/add")

    assert visitor.cookies["twopass_epoch"] != "A" * 22


def _times_out(seen: Seen) -> Answer:
    raise httpx.ReadTimeout("too slow")


async def test_a_shell_that_nobody_signed_is_refused(bench: Bench, origin: ScriptedOrigin) -> None:
    origin.pages["/"] = Answer(200, [("content-type", CONTENT_TYPE)], b"\0" * 100)

    page = await bench.get("/")

    assert page.status == 502
    assert bench.edge.tally.wire_errors.total() == 1
    assert len(bench.edge.memory.shells) == 0


async def test_what_is_held_shows_in_status_and_metrics(
    bench: Bench, origin: ScriptedOrigin
) -> None:
    origin.pages["/"] = shell(hole("x"))
    origin.fragments["x"] = b"x"
    await bench.visitor(sessionid="ann").get("/")

    gauges = {one["name"]: one["values"] for one in bench.edge.counter_snapshot()}
    status = bench.edge.status()

    assert gauges["twopass_edge_private_objects"] == [[[], 1]]
    assert gauges["twopass_edge_private_visitors"] == [[[], 1]]
    assert status["store"]["private_fragments"]["objects"] == 1
    assert status["store"]["shells"]["objects"] == 1
    assert status["manifest"] == {"verdict": "ok", "routes": 0, "release": "r1", "age": 0.0}
    assert status["origin"]["state"] == "closed"
    assert status["outcomes"] == {"uri-miss": 1}


async def test_a_defect_of_the_edge_is_a_500_and_closes_nothing_else(
    origin: ScriptedOrigin, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No layer of Starlette's stands around the handler: the server answers and logs."""
    origin.now = time.time
    origin.pages["/"] = shell(b"fine")
    async with edge_before(as_asgi(origin)) as (port, edge):

        def broken(*_: object) -> None:
            raise LookupError("a defect")

        with monkeypatch.context() as patched:
            patched.setattr("edge.handler.begin", broken)
            head = await raw(port, b"GET / HTTP/1.1\r\nhost: shop.test\r\n\r\n")
        after = await raw(port, b"GET / HTTP/1.1\r\nhost: shop.test\r\nconnection: close\r\n\r\n")
        assert edge.active == 0

    assert head.startswith(b"HTTP/1.1 500 ")
    assert b"a defect" not in head
    assert after.startswith(b"HTTP/1.1 200 ")
