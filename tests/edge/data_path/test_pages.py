"""The spine: a shell is kept, holes are filled, purges hold, the rest is passed on."""

from __future__ import annotations

from bench import Bench

from fragments.bundle import Frame
from fragments.csrf import CSRF, unmask
from origin import Answer, ScriptedOrigin, hole, shell


async def test_an_unknown_page_is_asked_for_once_and_then_comes_from_memory(
    bench: Bench, origin: ScriptedOrigin
) -> None:
    origin.pages["/about"] = shell(b"<h1>About</h1>")

    first = await bench.get("/about")
    second = await bench.get("/about")

    assert first.text == second.text == "<h1>About</h1>"
    assert [seen.kind for seen in origin.seen] == ["probe"]
    assert first.cache_status == "twopass; fwd=uri-miss; fwd-status=200; ttl=60; stored"
    assert second.cache_status == "twopass; hit; ttl=60"
    assert second.headers["content-length"] == "14"


async def test_csrf_tokens_are_made_at_the_edge(bench: Bench, origin: ScriptedOrigin) -> None:
    origin.pages["/login"] = shell(b"<form>", CSRF, b"</form>", CSRF)
    visitor = bench.visitor()

    first = await visitor.get("/login")
    second = await visitor.get("/login")

    secret = first.set_cookies["csrftoken"]
    tokens = [first.text[6:70], first.text[77:], second.text[6:70]]
    assert [unmask(token) for token in tokens] == [secret] * 3
    assert tokens[0] == tokens[1] != tokens[2]
    assert "csrftoken" not in second.set_cookies
    assert len(origin.seen) == 1
    assert second.headers["cache-control"] == "private, no-cache"


async def test_a_bundle_fills_the_holes_in_document_order(
    bench: Bench, origin: ScriptedOrigin
) -> None:
    origin.pages["/"] = shell(b"<", hole("greeting"), b"|", hole("basket"), b">")
    origin.fragments = {"greeting": b"Hello Ann", "basket": b"3 items"}
    visitor = bench.visitor(sessionid="s-ann")

    page = await visitor.get("/")

    assert page.text == "<Hello Ann|3 items>"
    assert page.headers["cache-control"] == "private, no-cache"
    bundle = origin.of_kind("second")[0]
    assert bundle.fragments == ["greeting", "basket"]
    assert bundle.cookies == {"sessionid": "s-ann"}
    assert bundle.bundle.page == "http://shop.test/"


async def test_private_fragments_are_held_for_their_visitor_only(
    bench: Bench, origin: ScriptedOrigin
) -> None:
    origin.pages["/"] = shell(hole("greeting"))
    origin.fragments["greeting"] = lambda seen: f"Hello {seen.cookies['sessionid']}".encode()
    ann, bob = bench.visitor(sessionid="ann"), bench.visitor(sessionid="bob")

    texts = [(await visitor.get("/")).text for visitor in (ann, bob, ann, bob)]

    assert texts == ["Hello ann", "Hello bob"] * 2
    assert len(origin.of_kind("second")) == 2


async def test_nobodies_share_what_was_rendered_from_a_stripped_request(
    bench: Bench, origin: ScriptedOrigin
) -> None:
    origin.pages["/"] = shell(hole("greeting"))
    origin.fragments["greeting"] = b"Hello stranger"

    for address in ("a", "b", "c"):
        page = await bench.get("/", user_agent=address)
        assert page.text == "Hello stranger"

    bundles = origin.of_kind("second")
    assert len(bundles) == 1
    assert bundles[0].bundle.nobody
    assert bundles[0]["user-agent"] is None
    assert bundles[0]["cookie"] is None


async def test_a_group_purge_drops_shell_and_fragment(bench: Bench, origin: ScriptedOrigin) -> None:
    price = ["10"]
    origin.pages["/p"] = lambda seen: shell(
        price[0].encode(), hole("stock", scope="public"), groups=("product:1",)
    )
    origin.fragments["stock"] = lambda seen: Frame(
        0, 200, (f"/{price[0]} left".encode(),), "public", 60.0, groups=("product:1",)
    )
    assert (await bench.get("/p")).text == "10/10 left"

    price[0] = "9"
    assert (await bench.get("/p")).text == "10/10 left"
    bench.purge(groups=("product:1",))

    assert (await bench.get("/p")).text == "9/9 left"


async def test_plain_answers_pass_untouched(bench: Bench, origin: ScriptedOrigin) -> None:
    origin.pages["/plain"] = Answer(
        302,
        [("location", "/elsewhere"), ("set-cookie", "a=1"), ("set-cookie", "b=2"), ("x-own", "1")],
        b"moved",
    )

    first = await bench.get("/plain")
    second = await bench.get("/plain")

    for page in (first, second):
        assert page.status == 302
        assert page.text == "moved"
        assert page.headers["location"] == "/elsewhere"
        assert page.headers.get_list("set-cookie") == ["a=1", "b=2"]
        assert page.cache_status == "twopass; fwd=uri-miss; fwd-status=302; detail=set-cookie"
    assert [seen.wants_shell for seen in origin.seen] == [True, False]


async def test_who_fetches_ahead_is_told_which_url_the_key_is_that_of(
    origin: ScriptedOrigin,
) -> None:
    """A rebuild finds out whether its word on the scheme was believed; visitors need it not."""
    origin.pages["/page"] = shell(b"page")
    ahead = {"Sec-Purpose": "prefetch", "X-Forwarded-Proto": "https"}
    for trusted, scheme in (((), "http"), (("192.0.2.7",), "https")):
        async with Bench(origin, trusted_proxies=trusted) as bench:
            for word in ("fwd=uri-miss", "hit"):
                told = (await bench.get("/page?a=1", **ahead)).cache_status
                assert word in told
                assert told.endswith(f'; key="{scheme}://shop.test/page?a=1"')
            assert "key=" in (await bench.get("/nowhere", **ahead)).cache_status
            assert "key=" not in (await bench.get("/page?a=1")).cache_status
