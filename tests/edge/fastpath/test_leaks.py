"""A byte of one visitor's fragment never reaches another by the fast path either."""

from __future__ import annotations

import pytest
from bench import Bench
from lines import Lines, parsed, request

from fragments.csrf import CSRF, unmask
from origin import Frame, ScriptedOrigin, hole, shell

VISITORS = ("ann", "bob", "eve")


@pytest.fixture(autouse=True)
async def _warm(bench: Bench, origin: ScriptedOrigin) -> None:
    origin.routes("^/home", "^/theme")
    origin.pages["/home"] = shell(b"<p>", hole("hello"), b"</p>", CSRF)
    origin.pages["/theme"] = shell(b"<p>", hole("theme"), b"</p>")
    origin.fragments["hello"] = lambda seen: f"only for {seen.cookies.get('sessionid')}".encode()
    origin.fragments["theme"] = lambda seen: f"theme {seen.cookies.get('theme')}".encode()
    for name in VISITORS:
        await bench.visitor(sessionid=name).get("/home")


def home(name: str, *fields: str) -> bytes:
    return request("/home", f"Cookie: sessionid={name}; csrftoken={secret(name)}", *fields)


def secret(name: str) -> str:
    return (name * 32)[:32]


async def test_visitors_alternate_on_one_connection(lines: Lines) -> None:
    line = lines.fast()
    order = [name for _ in range(5) for name in VISITORS]

    pages = [parsed(await line.ask(home(name)))[0] for name in order]

    for name, page in zip(order, pages, strict=True):
        assert f"only for {name}</p>".encode() in page.body
        assert unmask(page.body[-64:].decode()) == secret(name)
        assert page["cache-control"] == "private, no-cache"
    assert lines.hits.found == len(order)


async def test_visitors_are_mixed_in_one_pipeline(lines: Lines) -> None:
    order = [*VISITORS, *reversed(VISITORS), *VISITORS]

    pages = parsed(await lines.fast().ask(b"".join(map(home, order))))

    assert [page.body[3:-68] for page in pages] == [f"only for {n}".encode() for n in order]
    assert [unmask(page.body[-64:].decode()) for page in pages] == [secret(n) for n in order]


async def test_no_two_responses_have_the_same_mask(lines: Lines) -> None:
    line = lines.fast()

    tokens = {parsed(await line.ask(home("ann")))[0].body[-64:] for _ in range(50)}

    assert len(tokens) == 50


async def test_a_tag_is_worth_nothing_to_another(lines: Lines) -> None:
    line = lines.fast()
    tag = parsed(await line.ask(home("ann")))[0]["etag"]

    mine = parsed(await line.ask(home("ann", f"If-None-Match: {tag}")))[0]
    theirs = parsed(await line.ask(home("bob", f"If-None-Match: {tag}")))[0]

    assert (mine.status, theirs.status) == (304, 200)
    assert b"only for bob" in theirs.body


async def test_head_shows_nothing(lines: Lines) -> None:
    data = await lines.fast().ask(home("ann").replace(b"GET", b"HEAD", 1))

    answer = parsed(data, is_head=True)[0]
    assert data.endswith(b"\r\n\r\n")
    assert b"only for" not in data
    assert answer["content-length"] == str(len("<p>only for ann</p>") + 64)


async def test_a_new_epoch_ends_what_was_held(
    bench: Bench, origin: ScriptedOrigin, lines: Lines
) -> None:
    line, visitor = lines.fast(), bench.visitor(sessionid="ann")
    await line.ask(home("ann"))
    await visitor.post("/home")
    origin.fragments["hello"] = b"new"

    page = parsed(await line.ask(_with(visitor.cookies)))[0]

    assert b"<p>new</p>" in page.body


def _with(cookies: dict[str, str]) -> bytes:
    return request("/home", "Cookie: " + "; ".join(f"{k}={v}" for k, v in cookies.items()))


@pytest.mark.parametrize("name", ["url", "group", "everything"])
async def test_a_purge_holds_at_once(
    bench: Bench, origin: ScriptedOrigin, lines: Lines, name: str
) -> None:
    origin.fragments["hello"] = Frame(0, 200, (b"old",), max_age=60.0, groups=("user:1",))
    line, visitor = lines.fast(), bench.visitor(sessionid="new")
    await visitor.get("/home")
    assert b"old" in await line.ask(_with({"sessionid": "new"}))
    found = lines.hits.found
    origin.fragments["hello"] = b"new"
    origin.pages["/home"] = shell(b"<b>", hole("hello"), b"</b>", CSRF)

    purges = {
        "url": {"urls": ("http://shop.test/home",)},
        "group": {"groups": ("user:1",)},
        "everything": {"everything": True},
    }
    bench.purge(**purges[name])

    page = parsed(await line.ask(_with({"sessionid": "new"})))[0]
    assert found == 1
    assert (b"<b>" in page.body) == (name != "group")
    assert (b"new" in page.body) == (name != "url")


async def test_what_a_frame_turns_out_to_read_parts_visitors(
    bench: Bench, origin: ScriptedOrigin, lines: Lines
) -> None:
    """A fragment found to read a cookie is no longer shown for another value of it."""
    from fragments.bundle import Reads

    origin.fragments["theme"] = lambda seen: Frame(
        0, 200, (f"theme {seen.cookies.get('theme')}".encode(),), max_age=60.0,
        reads=Reads(cookies=("theme",)),
    )  # fmt: skip
    line = lines.fast()

    def theme(value: str) -> bytes:
        return request("/theme", f"Cookie: sessionid=ann; theme={value}")

    for _ in range(3):
        for value in ("dark", "light"):
            assert f"theme {value}".encode() in await line.ask(theme(value))
    assert lines.hits.found == 4


async def test_what_is_for_all_is_for_those_only_who_may_have_it(
    bench: Bench, origin: ScriptedOrigin, lines: Lines
) -> None:
    origin.routes("^/all")
    origin.pages["/all"] = shell(b"all")
    await bench.get("/all")
    line = lines.fast()
    assert b"all" in await line.ask(request("/all"))

    preview = parsed(await line.ask(request("/all", "Cookie: preview=1")))[0]
    varying = parsed(await line.ask(request("/all", "HX-Request: true")))[0]

    assert preview.body == varying.body == b"rendered in process"


async def test_what_is_remembered_of_requests_is_bounded_in_bytes(lines: Lines) -> None:
    line, hits = lines.fast(), lines.hits
    memos = (hits._callers, hits._addresses, hits._known)
    for memo in memos:
        memo.limit = 100_000

    for number in range(300):
        line.feed(home(f"ann; x={number}" + "y" * number * 10))
        line.feed(request(f"/home?n={number}{'z' * number * 10}"))
        await line.rest()

    for memo in memos:
        weight = sum(entry.size for entry in memo.values())
        assert 0 < weight == memo.weight <= memo.limit
