"""One visitor's bytes never reach another, however hard one tries (docs/leak-model.md)."""

from __future__ import annotations

import asyncio

import pytest
from bench import Bench, RawExchange, until

from fragments.bundle import Frame, Head, Reads
from fragments.csrf import CSRF, unmask
from origin import Answer, ScriptedOrigin, Seen, hole, shell


def _name(seen: Seen) -> bytes:
    return b"<%s>" % seen.cookies.get("sessionid", "nobody").encode()


def _basket(seen: Seen) -> Frame:
    content = seen.cookies.get("basket", "empty").encode()
    return Frame(0, 200, (content,), max_age=60, reads=Reads(("basket",)))


async def _hold(origin: ScriptedOrigin, name: str) -> asyncio.Event:
    origin.hold[name] = asyncio.Event()
    return origin.hold[name]


async def test_concurrent_visitors_never_share_a_private_fragment(
    bench: Bench, origin: ScriptedOrigin
) -> None:
    origin.pages["/"] = shell(hole("name"))
    origin.fragments["name"] = _name
    await bench.get("/")
    gate = await _hold(origin, "name")
    names = [f"v{number}" for number in range(20)]
    asked = [asyncio.create_task(bench.visitor(sessionid=name).get("/")) for name in names]
    await until(lambda: len(origin.of_kind("second")) == 21)
    gate.set()

    texts = [page.text for page in await asyncio.gather(*asked)]

    assert texts == [f"<{name}>" for name in names]


async def test_requests_of_one_identity_share_a_fragment_in_flight(
    bench: Bench, origin: ScriptedOrigin
) -> None:
    origin.pages["/"] = shell(hole("name"))
    origin.fragments["name"] = _name
    await bench.get("/")
    gate = await _hold(origin, "name")
    asked = [asyncio.create_task(bench.visitor(sessionid="ann").get("/")) for _ in range(5)]
    await until(lambda: bench.edge.tally.collapsed.values.get(("fragment",)) == 4)
    gate.set()

    assert {page.text for page in await asyncio.gather(*asked)} == {"<ann>"}
    assert len(origin.of_kind("second")) == 2


async def test_fragments_that_must_not_be_stored_are_not_shared_in_flight(
    bench: Bench, origin: ScriptedOrigin
) -> None:
    origin.pages["/"] = shell(hole("once", scope="no-store"))
    count = iter(range(100))
    origin.fragments["once"] = lambda seen: str(next(count)).encode()
    asked = [bench.visitor(sessionid="ann").get("/") for _ in range(3)]

    texts = {page.text for page in await asyncio.gather(*asked)}

    assert texts == {"0", "1", "2"}


async def test_a_session_cookie_that_comes_twice_is_read_as_django_does(
    bench: Bench, origin: ScriptedOrigin
) -> None:
    origin.pages["/"] = shell(hole("name"))
    origin.fragments["name"] = _name
    await bench.visitor(sessionid="ann").get("/")

    page = await bench.ask("GET", "/", [("cookie", "sessionid=ann; sessionid=eve")])

    assert page.text == "<eve>"


async def test_a_nobody_who_turns_out_to_be_somebody_is_asked_for_anew(
    bench: Bench, origin: ScriptedOrigin
) -> None:
    """A basket in a cookie of its own, without a session, that nothing declares."""
    origin.pages["/"] = shell(hole("basket"))
    origin.fragments["basket"] = lambda seen: Frame(
        0,
        200,
        (seen.cookies.get("basket", "empty").encode(),),
        max_age=60,
        reads=Reads(("basket",)),
    )

    assert (await bench.get("/")).text == "empty"
    assert (await bench.visitor(basket="1x42").get("/")).text == "1x42"
    assert (await bench.visitor(basket="7x1").get("/")).text == "7x1"
    assert (await bench.get("/")).text == "empty"
    assert (await bench.visitor(other="1").get("/")).text == "empty"


async def test_an_unknown_cookie_is_taken_for_an_identity_until_frames_say_what_they_read(
    bench: Bench, origin: ScriptedOrigin
) -> None:
    origin.pages["/"] = shell(hole("basket"))
    origin.fragments["basket"] = lambda seen: Frame(
        0,
        200,
        (seen.cookies.get("basket", "empty").encode(),),
        max_age=60,
        reads=Reads(("basket",)),
    )
    ann, bob = bench.visitor(basket="1x42"), bench.visitor(basket="1x42")

    assert (await ann.get("/")).text == "1x42"
    assert not origin.of_kind("second")[0].bundle.nobody
    assert ann.cookies["twopass_epoch"]
    assert (await bob.get("/")).text == "1x42"
    assert len(origin.of_kind("second")) == 2, "equal cookies are not the same visitor"
    assert (await ann.get("/")).text == "1x42"
    assert len(origin.of_kind("second")) == 2


async def test_what_a_visitors_own_request_rendered_is_never_kept_for_nobody(
    bench: Bench, origin: ScriptedOrigin
) -> None:
    """It may show an address or whatever else no frame tells of."""
    origin.pages["/"] = shell(hole("greeting"))
    origin.fragments["greeting"] = lambda seen: (seen["x-forwarded-for"] or "nobody").encode()

    assert (await bench.visitor(tracker="1").get("/")).text == "192.0.2.7"
    assert (await bench.get("/")).text == "nobody"
    assert (await bench.visitor(tracker="1").get("/")).text == "nobody"


async def test_a_public_fragment_that_reads_a_cookie_is_kept_for_its_visitor(
    bench: Bench, origin: ScriptedOrigin
) -> None:
    origin.pages["/"] = shell(hole("own"), hole("liar", scope="public"))
    origin.fragments["own"] = b"."
    origin.fragments["liar"] = lambda seen: Frame(
        0, 200, (_name(seen),), "public", 60, reads=Reads(("sessionid",))
    )

    texts = [(await bench.visitor(sessionid=name).get("/")).text for name in ("ann", "bob", "ann")]

    assert texts == [".<ann>", ".<bob>", ".<ann>"]


async def test_a_frame_that_is_stricter_than_its_hole_wins(
    bench: Bench, origin: ScriptedOrigin
) -> None:
    origin.pages["/"] = shell(hole("own"), hole("liar", scope="public"))
    origin.fragments["own"] = b"."
    origin.fragments["liar"] = lambda seen: Frame(0, 200, (_name(seen),), "private", 60)

    texts = [(await bench.visitor(sessionid=name).get("/")).text for name in ("ann", "bob")]

    assert texts == [".<ann>", ".<bob>"]


async def test_forged_sessions_hold_nothing(bench: Bench, origin: ScriptedOrigin) -> None:
    origin.pages["/"] = shell(hole("name"))
    origin.fragments["name"] = _name
    origin.head = Head(session="unknown")

    for number in range(50):
        await bench.visitor(sessionid=f"forged{number}").get("/")

    assert len(bench.edge.memory.private) == 0


async def test_private_memory_is_bounded_whoever_comes(origin: ScriptedOrigin) -> None:
    origin.pages["/"] = shell(hole("name"))
    origin.fragments["name"] = b"x" * 10_000
    async with Bench(origin, private_bytes=100_000, private_bytes_per_visitor=30_000) as bench:
        for number in range(50):
            await bench.visitor(sessionid=f"s{number}").get("/")

        assert bench.edge.memory.private.bytes <= 100_000
        assert bench.edge.memory.private.evictions == 50 - len(bench.edge.memory.private)


async def test_one_visitor_cannot_push_out_the_others(origin: ScriptedOrigin) -> None:
    origin.pages["/"] = shell(hole("name"))
    origin.fragments["name"] = b"x" * 1000
    async with Bench(origin, private_bytes=1_000_000, private_bytes_per_visitor=10_000) as bench:
        await bench.visitor(sessionid="ann").get("/")
        for number in range(200):
            await bench.visitor(sessionid="eve", twopass_epoch=f"{number:022d}").get("/")
        before = len(origin.of_kind("second"))
        await bench.visitor(sessionid="ann").get("/")

        assert len(origin.of_kind("second")) == before
        assert bench.edge.memory.private.bytes < 12_500


@pytest.mark.parametrize("header", ["if_none_match", "range"])
async def test_the_page_of_one_answers_no_condition_or_range_of_another(
    bench: Bench, origin: ScriptedOrigin, header: str
) -> None:
    origin.pages["/"] = shell(b"page of ", hole("name"))
    origin.fragments["name"] = _name
    ann, bob = bench.visitor(sessionid="ann"), bench.visitor(sessionid="bob")
    for visitor in (ann, bob):
        await visitor.get("/")
    etag = (await ann.get("/")).headers["etag"]
    condition = {"if_none_match": etag, "range": "bytes=0-3"}[header]

    mine = await ann.get("/", **{header: condition})
    theirs = await bob.get("/", **{header: condition})

    assert theirs.status == 200
    assert theirs.text == "page of <bob>"
    assert (mine.status, mine.text) == {
        "if_none_match": (304, ""),
        "range": (200, "page of <ann>"),
    }[header]


async def test_a_304_needs_every_part_to_be_the_same(bench: Bench, origin: ScriptedOrigin) -> None:
    items = ["1"]
    origin.pages["/"] = shell(b"basket ", hole("basket"))
    origin.fragments["basket"] = lambda seen: Frame(
        0, 200, (items[0].encode(),), max_age=60, groups=("user:1",)
    )
    ann = bench.visitor(sessionid="ann")
    await ann.get("/")
    etag = (await ann.get("/")).headers["etag"]
    items[0] = "2"
    bench.purge(groups=("user:1",))
    missing = await ann.get("/", if_none_match=etag)
    changed = await ann.get("/", if_none_match=etag)

    assert (missing.status, missing.text) == (200, "basket 2")
    assert "etag" not in missing.headers
    assert (changed.status, changed.text) == (200, "basket 2")
    assert changed.headers["etag"] != etag


async def test_the_tag_changes_with_the_csrf_secret_and_not_with_its_mask(
    bench: Bench, origin: ScriptedOrigin
) -> None:
    origin.pages["/"] = shell(b"<", CSRF, b">")
    ann, bob = bench.visitor(csrftoken="a" * 32), bench.visitor(csrftoken="b" * 32)

    first, second, other = await ann.get("/"), await ann.get("/"), await bob.get("/")

    assert first.headers["etag"] == second.headers["etag"] != other.headers["etag"]
    assert first.text != second.text
    assert (await bob.get("/", if_none_match=first.headers["etag"])).status == 200
    assert (await ann.get("/", if_none_match=first.headers["etag"])).status == 304


async def test_head_runs_no_fragment_and_tells_nothing(
    bench: Bench, origin: ScriptedOrigin
) -> None:
    origin.pages["/"] = shell(b"page of ", hole("name"))
    origin.fragments["name"] = _name
    await bench.get("/")
    before = len(origin.seen)

    page = await bench.visitor(sessionid="ann").get("/", "HEAD")

    assert (page.status, page.text) == (200, "")
    assert len(origin.seen) == before
    assert page.headers["cache-control"] == "private, no-cache"
    assert "content-length" not in page.headers
    assert "etag" not in page.headers


async def test_a_new_epoch_drops_all_that_was_held(bench: Bench, origin: ScriptedOrigin) -> None:
    items = ["1 item"]
    origin.pages["/"] = shell(hole("basket"))
    origin.pages["/add"] = Answer(303, [("location", "/")])
    origin.fragments["basket"] = lambda seen: items[0].encode()
    ann = bench.visitor(sessionid="ann")
    await ann.get("/")
    items[0] = "2 items"
    assert (await ann.get("/")).text == "1 item"

    added = await ann.post("/add")

    assert added.status == 303
    assert "HttpOnly; SameSite=Lax" in added.headers["set-cookie"]
    assert (await ann.get("/")).text == "2 items"


async def test_an_epoch_that_began_during_a_fill_keeps_the_fill_out(
    bench: Bench, origin: ScriptedOrigin
) -> None:
    items = ["1 item"]
    origin.pages["/"] = shell(hole("basket"))
    origin.pages["/add"] = Answer(204)
    origin.fragments["basket"] = lambda seen: items[0].encode()
    ann = bench.visitor(sessionid="ann", twopass_epoch="e" * 22)
    await ann.get("/")
    bench.purge(groups=("x",), everything=True)
    gate = await _hold(origin, "head")
    filling = asyncio.create_task(bench.visitor(sessionid="ann", twopass_epoch="e" * 22).get("/"))
    await until(lambda: len(origin.of_kind("second")) == 2)

    await ann.post("/add")
    gate.set()
    await filling
    items[0] = "2 items"

    assert (await ann.get("/")).text == "2 items"


async def test_the_epoch_never_reaches_the_origin(bench: Bench, origin: ScriptedOrigin) -> None:
    origin.pages["/"] = shell(hole("name"))
    origin.fragments["name"] = _name
    ann = bench.visitor(sessionid="ann", twopass_epoch="e" * 22)
    await ann.get("/")
    await ann.get("/elsewhere")
    await ann.post("/form")

    assert origin.seen
    assert all("twopass_epoch" not in (seen["cookie"] or "") for seen in origin.seen)


async def test_a_beacon_keeps_the_epoch_and_a_login_never_does(
    bench: Bench, origin: ScriptedOrigin
) -> None:
    keeps = ("twopass-keeps-fragments", "?1")
    origin.pages["/beacon"] = Answer(204, [keeps])
    origin.pages["/login"] = Answer(302, [keeps, ("set-cookie", "sessionid=new; Path=/")])
    origin.pages["/whoami"] = Answer(200, [("set-cookie", "sessionid=rotated")])
    ann = bench.visitor(sessionid="ann")

    assert "twopass_epoch" not in (await ann.post("/beacon")).set_cookies
    assert "twopass_epoch" in (await ann.post("/login")).set_cookies
    assert "twopass_epoch" in (await ann.get("/whoami")).set_cookies


async def test_a_post_that_was_sent_and_not_answered_begins_an_epoch(
    bench: Bench, origin: ScriptedOrigin
) -> None:
    origin.down = True
    assert "twopass_epoch" not in (await bench.visitor(sessionid="ann").post("/x")).set_cookies
    origin.down = False
    origin.hold["/slow"] = asyncio.Event()

    async with Bench(origin, origin_timeout=0.02) as impatient:
        page = await impatient.visitor(sessionid="ann").post("/slow")

    assert page.status == 504
    assert "twopass_epoch" in page.set_cookies


async def test_cookies_of_a_bundle_reach_its_visitor_only_and_are_never_stored(
    bench: Bench, origin: ScriptedOrigin
) -> None:
    origin.pages["/"] = shell(hole("messages", writes=True, when_cookies=("messages",)), hole("x"))
    origin.fragments = {"messages": Frame(0, 200, (b"Saved!",), "no-store", wrote=True), "x": b"."}
    origin.bundle_headers = [("set-cookie", "messages=; Max-Age=0")]
    ann = bench.visitor(sessionid="ann", csrftoken="a" * 32, messages="saved")

    page = await ann.get("/")
    origin.bundle_headers = []
    others = [
        await bench.visitor(sessionid=name, csrftoken="a" * 32).get("/") for name in ("ann", "bob")
    ]

    assert page.text == "Saved!."
    assert page.headers.get_list("set-cookie") == ["messages=; Max-Age=0"]
    assert all("set-cookie" not in other.headers for other in others)
    assert [other.text for other in others] == [".", "."]


async def test_a_session_that_a_fragment_begins_is_its_visitors(
    bench: Bench, origin: ScriptedOrigin
) -> None:
    """Whoever comes without any cookie is asked for alone where something may be written."""
    origin.pages["/"] = shell(hole("seen", writes=True), hole("x"))
    origin.fragments = {"seen": Frame(0, 200, (b"",), "no-store", wrote=True), "x": b"."}
    for number in range(3):
        origin.bundle_headers = [("set-cookie", f"sessionid=new{number}; Path=/")]

        page = await bench.get("/")

        assert page.set_cookies["sessionid"] == f"new{number}"
        assert "twopass_epoch" in page.set_cookies
        assert len(page.headers.get_list("set-cookie")) == len(page.set_cookies)
    assert len(bench.edge.memory.private) == 0


async def test_cookies_after_the_head_are_dropped_and_counted(
    bench: Bench, origin: ScriptedOrigin
) -> None:
    origin.pages["/"] = shell(hole("x"))
    origin.fragments = {"x": b"."}
    origin.bundle_headers = [("set-cookie", "surprise=1")]

    page = await bench.visitor(sessionid="ann", csrftoken="a" * 32).get("/")
    await bench.settle()

    assert "set-cookie" not in page.headers
    assert bench.edge.tally.late_cookies.total() == 1


async def test_a_bundle_that_replaces_the_session_holds_nothing_and_begins_an_epoch(
    bench: Bench, origin: ScriptedOrigin
) -> None:
    origin.pages["/"] = shell(hole("messages", writes=True), hole("name"))
    origin.fragments = {"messages": Frame(0, 200, (b"",), "no-store", wrote=True), "name": _name}
    origin.head = Head(session="valid")
    origin.bundle_headers = [("set-cookie", "sessionid=ann2; Path=/")]
    ann = bench.visitor(sessionid="ann", csrftoken="a" * 32)

    page = await ann.get("/")

    assert set(page.set_cookies) == {"sessionid", "twopass_epoch"}
    assert len(bench.edge.memory.private) == 0


async def test_a_shell_of_one_host_is_not_shown_under_another(
    bench: Bench, origin: ScriptedOrigin
) -> None:
    origin.pages["/"] = lambda seen: shell((seen["host"] or "").encode(), hole("x", scope="public"))
    origin.fragments["x"] = lambda seen: f"@{seen['host']}".encode()

    texts = [
        (await bench.ask("GET", "/", [], host=host)).text
        for host in ("shop.test", "other.test", "SHOP.test:80", "shop.test.", "shop.test")
    ]

    assert texts == ["shop.test@shop.test", "other.test@other.test", *["shop.test@shop.test"] * 3]


async def test_the_schemes_of_one_host_are_apart(origin: ScriptedOrigin) -> None:
    origin.pages["/"] = lambda seen: shell((seen["x-forwarded-proto"] or "").encode())
    async with Bench(origin, trusted_proxies=("10.0.0.0/8",)) as bench:
        secure = [("x-forwarded-proto", "https"), ("x-forwarded-for", "203.0.113.9")]
        texts = [
            (await bench.ask("GET", "/", secure, client="10.1.1.1")).text,
            (await bench.ask("GET", "/", secure)).text,
            (await bench.ask("GET", "/", [], client="10.1.1.1")).text,
        ]

    assert texts == ["https", "http", "http"]
    assert origin.of_kind("probe")[0]["x-forwarded-for"] == "203.0.113.9"


async def test_a_purge_beats_the_fill_that_it_overtakes(
    bench: Bench, origin: ScriptedOrigin
) -> None:
    price = ["10"]
    origin.pages["/p"] = lambda seen: shell(price[0].encode(), groups=("p:1",))
    gate = await _hold(origin, "/p")
    old = asyncio.create_task(bench.get("/p"))
    await until(lambda: len(origin.seen) == 1)

    price[0] = "9"
    bench.purge(groups=("p:1",))
    new = asyncio.create_task(bench.get("/p"))
    await until(lambda: len(origin.seen) == 2)
    gate.set()
    await old

    assert (await new).text == "9", "who asks after the purge does not join a fetch before it"
    assert (await bench.get("/p")).text == "9"


async def test_a_purge_beats_the_fragment_that_it_overtakes(
    bench: Bench, origin: ScriptedOrigin
) -> None:
    price = ["10"]
    origin.pages["/p"] = shell(hole("price", scope="public"))
    origin.fragments["price"] = lambda seen: Frame(
        0, 200, (price[0].encode(),), "public", 60, groups=("p:1",)
    )
    gate = await _hold(origin, "head")
    old = asyncio.create_task(bench.get("/p"))
    await until(lambda: len(origin.of_kind("second")) == 1)
    bench.purge(groups=("p:1",))
    gate.set()
    await old
    price[0] = "9"

    assert (await bench.get("/p")).text == "9"


async def test_two_visitors_get_tokens_of_their_own_secret(
    bench: Bench, origin: ScriptedOrigin
) -> None:
    origin.pages["/"] = shell(CSRF, hole("form"))
    origin.fragments["form"] = Frame(0, 200, (b"|", CSRF), max_age=60)
    ann, bob = bench.visitor(csrftoken="a" * 32), bench.visitor(csrftoken="b" * 32)

    for visitor in (ann, bob, ann, bob):
        page = await visitor.get("/")
        tokens = page.text.split("|")
        assert [unmask(token) for token in tokens] == [visitor.cookies["csrftoken"]] * 2
    assert len(origin.of_kind("second")) == 1


async def test_a_shared_bundle_is_never_told_a_visitors_secret(
    bench: Bench, origin: ScriptedOrigin
) -> None:
    origin.pages["/"] = shell(CSRF, hole("form"))
    origin.fragments["form"] = Frame(0, 200, (CSRF,), max_age=60)
    visitor = bench.visitor()

    page = await visitor.get("/")

    assert unmask(page.text[:64]) == unmask(page.text[64:]) == visitor.cookies["csrftoken"]
    assert origin.of_kind("second")[0].bundle.csrf_secret != visitor.cookies["csrftoken"]


async def test_a_page_cannot_write_header_lines_by_its_own_text(
    bench: Bench, origin: ScriptedOrigin
) -> None:
    origin.pages["/"] = shell(b".", headers=[("x-title", "a\r\nset-cookie: evil=1")])

    page = await bench.get("/")

    assert page.headers["x-title"] == "aset-cookie: evil=1"
    assert "set-cookie" not in page.headers


async def test_internal_fields_come_from_nobody_and_go_to_nobody(
    bench: Bench, origin: ScriptedOrigin
) -> None:
    origin.pages["/plain"] = Answer(
        200, [("twopass-pass", "guard"), ("surrogate-control", "x"), ("x-mine", "1")], b"."
    )
    forged = [
        ("twopass-proof", "1 1 first x"), ("surrogate-capability", "evil"), ("x-mine", "1"),
        ("x-forwarded-host", "evil.test"), ("x-forwarded-prefix", "/x"), ("x_forwarded_host", "e"),
        ("x-original-url", "/admin"), ("x-http-method-override", "DELETE"), ("forwarded", "for=1"),
        ("x-twopass-surrogate", "guess"), ("connection", "x-hop"), ("x-hop", "1"),
    ]  # fmt: skip

    page = await bench.ask("GET", "/plain", forged)
    seen = origin.seen[-1]

    names = [name for name, _ in seen.headers]
    assert seen["surrogate-capability"] == 'twopass="TwoPass/1.0", twopass-esi="ESI/1.0"'
    assert seen["x-forwarded-host"] == "shop.test"
    assert seen["x-mine"] == "1"
    assert len(names) == len(set(names))
    assert not set(names) & {"x-forwarded-prefix", "x_forwarded_host", "x-original-url",
                             "x-http-method-override", "forwarded", "x-twopass-surrogate",
                             "x-hop", "connection"}  # fmt: skip
    assert page.headers["x-mine"] == "1"
    assert not any(name.startswith(("twopass", "surrogate")) for name in page.headers)


@pytest.mark.parametrize(
    "path",
    [
        "/_twopass/manifest",
        "/_twopass/fragments",
        "/%5Ftwopass/manifest",
        "//_twopass/x",
        "/_twopass",
    ],
)
async def test_internal_addresses_do_not_exist_outside(
    bench: Bench, origin: ScriptedOrigin, path: str
) -> None:
    page = await bench.get(path)

    assert page.status == 404
    assert origin.seen == []


@pytest.mark.parametrize(
    ("host", "status"),
    [("evil.test", 421), ("", 400), ("shop.test, evil.test", 400), ("shop.test@evil", 400)],
)
async def test_other_hosts_are_refused(
    bench: Bench, origin: ScriptedOrigin, host: str, status: int
) -> None:
    page = await bench.ask("GET", "/", [], host=host)

    assert page.status == status
    assert origin.seen == []


async def test_two_hosts_are_refused(bench: Bench, origin: ScriptedOrigin) -> None:
    page = await bench.ask("GET", "/", [("host", "shop.test")])

    assert page.status == 400


async def test_marks_records_and_pending_work_are_bounded(
    bench: Bench, origin: ScriptedOrigin
) -> None:
    bench.edge.memory.marks.limit = bench.edge.memory.records.limit = 10
    for number in range(50):
        origin.pages[f"/shell{number}"] = shell(b".")
        await bench.get(f"/shell{number}")
        await bench.get(f"/plain?{number}")

    assert len(bench.edge.memory.marks) == 10
    assert len(bench.edge.memory.records) == 10
    assert len(bench.edge.verdicts) == len(bench.edge.flights) == len(bench.edge.pending) == 0


async def test_nothing_private_shows_in_objects_status_or_trace(
    bench: Bench, origin: ScriptedOrigin, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    origin.pages["/"] = shell(hole("name"))
    origin.fragments["name"] = b"PRIVATE-BYTES"
    page = await bench.visitor(sessionid="SECRET-SESSION").get("/")

    told = f"{bench.edge.status()}{bench.edge.objects()}{page.headers}{caplog.text}"

    assert "PRIVATE-BYTES" not in told
    assert "SECRET-SESSION" not in told
    assert bench.edge.objects()[0]["url"] == "http://shop.test/"


async def test_a_raw_exchange_is_answered_once(bench: Bench, origin: ScriptedOrigin) -> None:
    exchange = RawExchange(bench, "GET", "/none")
    await exchange.run()

    assert exchange.complete
