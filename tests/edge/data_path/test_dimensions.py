"""What pages differ by: declared dimensions, declared queries, and nothing else."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from bench import Bench

from fragments.bundle import Frame, Reads
from fragments.dimensions import CONTEXT_COOKIE, Dimension, open_context, seal_context
from fragments.shell import Shell
from origin import KEYRING, MANIFEST, Answer, Page, ScriptedOrigin, Seen, hole, shell

LANGUAGE = Dimension("language", "language", "lang", ("en", "de"), "en")
CURRENCY = Dimension("currency", "cookie", "currency", ("eur", "usd"), "eur")
DEVICE = Dimension(
    "device",
    "header",
    "User-Agent",
    ("pc", "mobile"),
    "pc",
    matches=(("Mobi", "mobile"),),
)
BANNER = Dimension("banner", "bucket", "ab_banner", ("a", "b"), "a", weights=(1, 1))
TIER = Dimension("tier", "context", "tier", ("retail", "trade"), "retail")


def _rendered(dimension: Dimension) -> Page:
    """A page that shows the value it was rendered for."""

    def page(seen: Seen) -> Shell:
        cookies, headers = seen.cookies, dict(seen.headers)
        context = open_context(
            KEYRING, cookies.get("sessionid", ""), cookies.get(CONTEXT_COOKIE, "")
        )
        value = dimension.reduce(cookies, headers, context) or dimension.default
        return shell(value.encode(), dimensions=(dimension,), values=((dimension.name, value),))

    return page


async def test_languages_are_apart_and_accept_language_is_reduced(
    bench: Bench, origin: ScriptedOrigin
) -> None:
    origin.pages["/"] = _rendered(LANGUAGE)
    wanted = ["en", "de", "de-AT,de;q=0.9", "fr", "en-GB", "de;q=0.1, en;q=0.9"]

    texts = [(await bench.get("/", accept_language=text)).text for text in wanted]

    assert texts == ["en", "de", "de", "en", "en", "en"]
    assert len(origin.seen) == 2


async def test_a_cookie_that_means_nothing_is_the_default(
    bench: Bench, origin: ScriptedOrigin
) -> None:
    origin.pages["/"] = _rendered(CURRENCY)

    texts = [
        (await bench.visitor(**cookies).get("/")).text
        for cookies in ({}, {"currency": "usd"}, {"currency": "x" * 99}, {"currency": "usd"})
    ]

    assert texts == ["eur", "usd", "eur", "usd"]
    assert [seen.kind for seen in origin.seen] == ["probe", "first"]
    assert origin.seen[1].cookies == {"currency": "usd"}


async def test_a_device_is_told_by_a_canonical_header(bench: Bench, origin: ScriptedOrigin) -> None:
    origin.pages["/"] = _rendered(DEVICE)
    agents = ["Firefox", "iPhone Mobi/1", "Android Mobi/2", "Chrome"]

    pages = [await bench.get("/", user_agent=agent) for agent in agents]

    assert [page.text for page in pages] == ["pc", "mobile", "mobile", "pc"]
    assert [seen["user-agent"] for seen in origin.seen] == ["Firefox", "Mobi"]
    assert pages[0].headers["vary"] == "user-agent"


async def test_a_bucket_is_drawn_once_by_its_weights_and_remembered(
    bench: Bench, origin: ScriptedOrigin
) -> None:
    origin.pages["/"] = _rendered(BANNER)
    bench.edge.rng = random.Random(7).randbytes

    visitors = [bench.visitor() for _ in range(20)]
    first = [(await visitor.get("/")) for visitor in visitors]
    second = [(await visitor.get("/")).text for visitor in visitors]

    assert {page.text for page in first} == {"a", "b"}
    assert [page.text for page in first] == second
    assert first[0].headers["cache-control"] == "private, no-cache"
    assert f"ab_banner={first[0].text}; Path=/; Max-Age=" in first[0].headers["set-cookie"]
    assert len(origin.seen) <= 3


async def test_the_origins_context_counts_for_the_session_it_was_signed_for(
    bench: Bench, origin: ScriptedOrigin
) -> None:
    origin.pages["/"] = _rendered(TIER)
    origin.routes(r"\A/\Z", dimensions=("tier",))
    assert origin.manifest is not None
    origin.manifest = replace(origin.manifest, dimensions=(TIER,))
    await bench.edge.manifest.fetch()
    cookie = seal_context(KEYRING, "ann", {"tier": "trade"})

    texts = [
        (await bench.visitor(sessionid=name, **{CONTEXT_COOKIE: cookie}).get("/")).text
        for name in ("ann", "eve")
    ]

    assert texts == ["trade", "retail"]
    assert all(seen.cookies.keys() <= {CONTEXT_COOKIE} for seen in origin.of_kind("first"))


async def test_a_first_pass_carries_what_is_listed_and_nothing_else(
    bench: Bench, origin: ScriptedOrigin
) -> None:
    origin.routes(r"\A/p\Z", dimensions=("language",), query=("page",))
    assert origin.manifest is not None
    origin.manifest = replace(origin.manifest, dimensions=(LANGUAGE,))
    await bench.edge.manifest.fetch()
    origin.pages["/p"] = _rendered(LANGUAGE)

    await bench.ask(
        "GET",
        "/p?page=2&utm_source=x&other=1",
        [("cookie", "sessionid=ann; lang=de; csrftoken=x"), ("user-agent", "Mine"),
         ("accept", "text/html"), ("referer", "http://a"), ("x-custom", "1"),
         ("accept-encoding", "gzip"), ("if-none-match", '"x"'), ("range", "bytes=0-1")],
    )  # fmt: skip

    seen = origin.of_kind("first")[0]
    assert seen.target == "/p?page=2"
    assert dict(seen.headers).keys() == {
        "host", "x-forwarded-proto", "x-forwarded-host", "x-forwarded-port", "via",
        "surrogate-capability", "accept-language", "cookie", "twopass-proof",
    }  # fmt: skip
    assert seen.cookies == {"lang": "de"}
    assert seen["accept-language"] == "de"


@pytest.mark.parametrize(
    ("target", "sent"),
    [
        ("/p?utm_source=a", "/p"),
        ("/p?gclid=1&b=2&utm_medium=x&a=1", "/p?b=2&a=1"),
        ("/p?utm%5Fsource=a", "/p"),
        ("/p?x=1;utm_source=2", "/p?x=1;utm_source=2"),
    ],
)
async def test_ignorable_parameters_reach_neither_key_nor_view(
    bench: Bench, origin: ScriptedOrigin, target: str, sent: str
) -> None:
    origin.routes(r"\A/p\Z")
    await bench.edge.manifest.fetch()
    origin.pages["/p"] = shell(b".")
    before = len(origin.of_kind("first"))
    await bench.get(target)
    await bench.get(sent)

    assert [seen.target for seen in origin.of_kind("first")[before:]] == [sent]


async def test_a_view_that_declares_its_query_is_one_page_whatever_else_is_asked(
    bench: Bench, origin: ScriptedOrigin
) -> None:
    origin.pages["/list"] = shell(b".", query=("page", "sort"))

    for target in ("/list", "/list?x=1", "/list?sort=a&page=2", "/list?page=2&y=1&sort=a"):
        await bench.get(target)

    assert [seen.target for seen in origin.seen] == ["/list", "/list?page=2&sort=a"]


@pytest.mark.parametrize(
    ("headers", "detail"),
    [
        ([("authorization", "Basic x")], "authorization"),
        ([("cookie", "preview=1")], "bypass-cookie"),
        ([("hx-request", "true")], "varying-header"),
        ([("content-length", "2")], "body"),
    ],
)
async def test_who_must_not_meet_shared_pages_is_passed(
    bench: Bench, origin: ScriptedOrigin, headers: list[tuple[str, str]], detail: str
) -> None:
    origin.pages["/"] = shell(b"shared")
    await bench.get("/")

    page = await bench.ask("GET", "/", headers)

    assert page.text == "rendered in process"
    assert f"fwd=bypass; fwd-status=200; detail={detail}" in page.cache_status
    assert (await bench.get("/")).text == "shared"


async def test_a_varying_header_that_is_a_dimension_selects_instead(
    bench: Bench, origin: ScriptedOrigin
) -> None:
    htmx = Dimension(
        "htmx", "header", "HX-Request", ("no", "yes"), "no", matches=(("true", "yes"),)
    )
    origin.routes(r"\A/\Z", dimensions=("htmx",))
    assert origin.manifest is not None
    origin.manifest = replace(origin.manifest, dimensions=(htmx,))
    await bench.edge.manifest.fetch()
    origin.pages["/"] = _rendered(htmx)

    assert (await bench.get("/", hx_request="true")).text == "yes"
    assert (await bench.get("/")).text == "no"


async def test_fragments_are_keyed_by_dimensions_that_only_they_declare(
    bench: Bench, origin: ScriptedOrigin
) -> None:
    assert origin.manifest is not None
    origin.manifest = replace(MANIFEST, dimensions=(CURRENCY,))
    await bench.edge.manifest.fetch()
    origin.pages["/"] = shell(hole("price", scope="public", dimensions=("currency",)))
    origin.fragments["price"] = lambda seen: Frame(
        0, 200, (dict(seen.bundle.values)["currency"].encode(),), "public", 60
    )

    texts = [
        (await bench.visitor(**cookies).get("/")).text
        for cookies in ({}, {"currency": "usd"}, {"currency": "??"}, {"currency": "usd"})
    ]

    assert texts == ["eur", "usd", "eur", "usd"]
    assert len(origin.of_kind("second")) == 2


async def test_fragments_that_read_the_url_are_kept_by_url(
    bench: Bench, origin: ScriptedOrigin
) -> None:
    origin.pages["/a"] = origin.pages["/b"] = shell(hole("here"))
    origin.fragments["here"] = lambda seen: Frame(
        0, 200, (seen.bundle.page.encode(),), max_age=60, reads=Reads(url=True)
    )

    texts = [(await bench.get(path)).text for path in ("/a", "/b", "/a", "/b")]

    assert texts == ["http://shop.test/a", "http://shop.test/b"] * 2
    assert len(origin.of_kind("second")) == 2


async def test_a_page_whose_dimensions_change_is_learned_anew(
    bench: Bench, origin: ScriptedOrigin
) -> None:
    origin.pages["/"] = shell(b"plain", max_age=1)
    await bench.visitor(currency="usd").get("/")
    origin.pages["/"] = _rendered(CURRENCY)
    bench.clock.tick(2)

    texts = [(await bench.visitor(currency=value).get("/")).text for value in ("usd", "eur", "usd")]

    assert texts == ["usd", "eur", "usd"]


async def test_a_plain_answer_where_a_shell_was_expected_is_passed(
    bench: Bench, origin: ScriptedOrigin
) -> None:
    origin.routes(r"\A/x\Z")
    await bench.edge.manifest.fetch()
    origin.pages["/x"] = Answer(200, [], b"plain")

    page = await bench.visitor(sessionid="ann").get("/x")

    assert page.text == "plain"
    assert origin.seen[-1].cookies == {"sessionid": "ann"}
