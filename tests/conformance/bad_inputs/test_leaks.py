"""Bad inputs 54 to 62: what is one visitor's reaching another."""

from __future__ import annotations

import asyncio

import pytest

from tests.conformance.bad_inputs.site import Reply, Site, esi, page
from tests.conformance.own_edge import Edge
from tests.conformance.wire import Request, ask, read_response


def of_the_visitor(**headers: str) -> object:
    """A page that shows who asks."""

    def handler(request: Request) -> Reply:
        who = f"{request.get('cookie')} {request.get('authorization')}"
        return page(f"for {who}", **headers)

    return handler


@pytest.mark.parametrize(
    "path", ["/account/x.css", "/account;x.css", "/account%00.css", "/account%0a.css",
             "/static/..%2faccount", "/account/.js", "/account?x.css", "/account%3Fx.css"],
)  # fmt: skip
async def test_54_a_suffix_makes_nothing_public(site: Site, path: str) -> None:
    def account(request: Request) -> Reply:
        return Reply(f"for {request.get('cookie')}".encode(), 200, {"content-type": "text/html"})

    site.serve("*", account)
    await site.get(path, cookie="who=alice")
    response = await site.get(path, cookie="who=bob")

    assert b"alice" not in response.body


async def test_55_a_cookie_on_a_cacheable_page(site: Site) -> None:
    def handler(request: Request) -> Reply:
        return page("hello", set_cookie=f"id={request.get('x-id')}")

    site.serve("/page", handler)
    await site.get(x_id="alice")
    response = await site.get(x_id="bob")

    assert "alice" not in (response.get("set-cookie") or "")


@pytest.mark.parametrize("control", ["max-age=3600", "public, max-age=3600", "s-maxage=3600"])
async def test_56_authorization_keeps_answers_apart(site: Site, control: str) -> None:
    site.serve("/page", of_the_visitor(cache_control=control))  # type: ignore[arg-type]
    await site.get(authorization="Bearer alice")
    other = await site.get(authorization="Bearer bob")

    if "public" not in control and "s-maxage" not in control:
        assert b"alice" not in other.body
    nobody = await site.get()
    # RFC 9111 §3.5 lets an origin share such answers by name; then it is the origin's word.
    assert b"alice" not in nobody.body or "public" in control or "s-maxage" in control


@pytest.mark.parametrize("control", ["private", "no-store", "private, max-age=60", "no-cache"])
async def test_57_requests_that_wait_together_get_their_own(site: Site, control: str) -> None:
    async def slow(request: Request) -> Reply:
        await asyncio.sleep(0.3)
        return page(f"for {request.get('cookie')}", cache_control=control)

    site.serve("/page", slow)
    names = [f"visitor{number}" for number in range(8)]
    responses = await asyncio.gather(*(site.get(cookie=f"who={name}") for name in names))

    for name, response in zip(names, responses, strict=True):
        assert response.body.decode() == f"for who={name}"


async def test_58_nothing_private_in_what_is_told(site: Site) -> None:
    site.serve("/fragment", of_the_visitor(cache_control="private"))  # type: ignore[arg-type]
    site.serve("/page", esi(f"<esi:include src='{site.base}/fragment'/>"))
    response = await site.get(cookie="sessionid=s3cret")
    told = " ".join(f"{name}: {value}" for name, value in response.headers)

    assert response.body == b"for sessionid=s3cret None"
    assert "s3cret" not in told


async def test_59_the_shells_validator_is_not_the_pages(site: Site) -> None:
    site.serve("/fragment", of_the_visitor(cache_control="private"))  # type: ignore[arg-type]
    shell = esi(f"<esi:include src='{site.base}/fragment'/>", etag='"shell"')
    shell.headers["last-modified"] = "Wed, 01 Jan 2020 00:00:00 GMT"
    site.serve("/page", shell)
    await site.get(cookie="who=alice")

    tagged = await site.get(cookie="who=bob", if_none_match='"shell"')
    dated = await site.get(cookie="who=bob", if_modified_since="Thu, 02 Jan 2020 00:00:00 GMT")
    part = await site.get(cookie="who=bob", range="bytes=0-3")
    head = await site.get("/page", "HEAD", cookie="who=bob")
    for response in (tagged, dated, part):
        assert response.status == 200
        assert response.body == b"for who=bob None"
    assert head.body == b""
    assert head.get("etag") != '"shell"'


async def test_60_the_shells_lifetime_is_not_the_pages(site: Site) -> None:
    site.serve("/fragment", of_the_visitor(cache_control="private"))  # type: ignore[arg-type]
    site.serve("/page", esi(f"<esi:include src='{site.base}/fragment'/>", age="100"))
    response = await site.get(cookie="who=alice")
    control = response.get("cache-control") or ""

    assert "private" in control or "no-store" in control
    assert "public" not in control
    assert "s-maxage" not in control


async def test_61_another_visitor_on_the_same_connection(site: Site, edge: Edge) -> None:
    site.serve("/fragment", of_the_visitor(cache_control="private, max-age=60"))  # type: ignore[arg-type]
    site.serve("/page", esi(f"<esi:include src='{site.base}/fragment'/>"))
    reader, writer = await asyncio.open_connection(edge.host, edge.port)
    for who in ("alice", "bob", "", "alice"):
        cookie = f"Cookie: who={who}\r\n" if who else ""
        head = f"GET {site.base}/page HTTP/1.1\r\nHost: 127.0.0.1:{edge.port}\r\n{cookie}\r\n"
        writer.write(head.encode())
        response = await asyncio.wait_for(read_response(reader), 10)
        expected = f"for who={who} None" if who else "for None None"
        assert response.body.decode() == expected
    writer.close()


async def test_62_a_fragments_cookie_is_given_once(site: Site) -> None:
    def handler(request: Request) -> Reply:
        return page("x", set_cookie=f"id={request.get('cookie')}")

    site.serve("/fragment", handler)
    site.serve("/page", esi(f"<esi:include src='{site.base}/fragment'/>"))
    first = await ask(site.host, site.port, "GET", f"{site.base}/page", [("Cookie", "who=alice")])
    second = await ask(site.host, site.port, "GET", f"{site.base}/page", [("Cookie", "who=bob")])

    assert first.body == second.body == b"x"
    assert "alice" not in (second.get("set-cookie") or "")
