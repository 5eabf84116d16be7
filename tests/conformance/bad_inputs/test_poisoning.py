"""Bad inputs 40 to 53: one visitor's request that would change what others get."""

from __future__ import annotations

import asyncio
import gzip

import pytest

from tests.conformance.bad_inputs.site import Reply, Site, page
from tests.conformance.own_edge import TOKEN, Edge
from tests.conformance.wire import Request, ask


def reflecting(*names: str) -> object:
    """A page that shows those request headers (and its own request), as careless ones do."""

    def handler(request: Request) -> Reply:
        shown = "|".join(f"{name}={request.get(name)}" for name in names)
        return page(f"{request.method} {request.target} {shown} {request.body!r}")

    return handler


UNKEYED = (
    "X-Forwarded-Host", "X-Forwarded-Scheme", "X-Forwarded-Port", "X-Forwarded-Prefix",
    "X-Forwarded-Server", "X-Original-URL", "X-Rewrite-URL", "X-Host", "Forwarded",
    "X-Forwarded-Proto", "X-Original-Host", "X-HTTP-Host-Override",
)  # fmt: skip
# Nobody strips every header that some framework reads; what is not named by the edge, Vary must be.
_TOLERATED = {"X-Host", "X-Original-Host", "X-HTTP-Host-Override", "X-Forwarded-Server"}


@pytest.mark.parametrize("name", [name for name in UNKEYED if name not in _TOLERATED])
async def test_40_headers_that_rewrite_the_request(site: Site, name: str) -> None:
    site.serve("/page", reflecting(name))  # type: ignore[arg-type]
    await ask(site.host, site.port, "GET", f"{site.base}/page", [(name, "evil.test")])

    assert "evil" not in await site.text()
    assert all("evil" not in (request.get(name) or "") for request in site.asked())


@pytest.mark.parametrize("name", ["X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"])
async def test_41_a_method_in_a_header(site: Site, name: str) -> None:
    site.serve("/page", reflecting(name))  # type: ignore[arg-type]
    await ask(site.host, site.port, "GET", f"{site.base}/page", [(name, "DELETE")])

    assert "DELETE" not in await site.text()


async def test_42_a_get_with_a_body(site: Site) -> None:
    site.serve("/page", reflecting())  # type: ignore[arg-type]
    await ask(site.host, site.port, "GET", f"{site.base}/page", [], b"q=evil")

    assert "evil" not in await site.text()


async def test_43_parameters_in_disguise(site: Site) -> None:
    site.serve("/page", reflecting())  # type: ignore[arg-type]
    for query in (
        "a=1",
        "a=1;a=evil",
        "a=1&a=evil",
        "a=evil&a=1",
        "a=1&b;a=evil",
        "a=1%26a",
        "A=1",
    ):
        for _ in range(2):
            assert f"/page?{query} " in await site.text(f"/page?{query}")


async def test_44_question_marks_and_hashes(site: Site) -> None:
    site.serve("*", reflecting())  # type: ignore[arg-type]
    for path in ("/a?b", "/a%3fb", "/a%3Fb", "/a%23b", "/a??b"):
        assert f"{site.base}{path} " in await site.text(path)
    # An empty query may be kept or dropped; what the origin was asked for is what it answers.
    empty = await site.text("/a?")
    assert f"{site.base}/a? " in empty or f"{site.base}/a " in empty
    raw = await site.send(b"GET BASE/a#b HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
    assert raw.status == 400 or b"#" not in raw.body


LOOKALIKES = (
    "/x/page", "/X/page", "/x//page", "/x/./page", "/x/%2e/page", "/x%2fpage", "/x/y/../page",
    "/x/y/%2e%2e/page", "/x/page/", "/x/page.", "/x\\page", "/x/p%61ge",
)  # fmt: skip


async def test_45_paths_that_look_alike(site: Site) -> None:
    site.serve("*", reflecting())  # type: ignore[arg-type]
    for path in LOOKALIKES:
        text = (await site.get(path)).body.decode()
        # What the origin was shown is what the answer is stored for.
        assert any(f"{request.target} " in text for request in site.asked())
        assert (await site.get(path)).body.decode() == text


async def test_46_hosts_that_look_alike(site: Site) -> None:
    site.serve("*", reflecting("host"))  # type: ignore[arg-type]
    two = b"GET BASE/p HTTP/1.1\r\nHost: a.test\r\nHost: b.test\r\n\r\n"
    assert (await site.send(two)).status == 400
    absolute = b"GET http://a.testBASE/q HTTP/1.1\r\nHost: b.test\r\n\r\n"
    response = await site.send(absolute)
    assert response.status == 400 or b"a.test" in response.body
    for host in ("a.test", "b.test", "a.test:81"):
        shown = (await site.get("/q", host=host)).body.decode()
        assert f"host={host} " in shown
    assert "host=a.test " in (await site.get("/q", host="A.TEST")).body.decode()
    none = b"GET BASE/p HTTP/1.1\r\n\r\n"
    assert (await site.send(none)).status == 400


async def test_47_delimiters_of_keys(site: Site) -> None:
    site.serve("*", reflecting("x-v"))  # type: ignore[arg-type]
    seen = set()
    for path in (
        "/a?b|c",
        "/a|b?c",
        "/a%0Ab",
        "/a%0A%0Ax-v=1:1",
        "/a?x-v=1:1",
        "/a;x-v=1:1",
        "/a,b",
    ):
        text = await site.text(path)
        assert f"{site.base}{path} " in text
        seen.add(text)
    assert len(seen) == 7


@pytest.mark.parametrize(
    "name",
    ["X-ESI-Recursion-Level", "Surrogate-Capability", "Surrogate-Control", "Surrogate-Key", "XKey",
     "TwoPass-Proof", "TwoPass-Pass", "TwoPass-Groups", "X-TwoPass-Surrogate", "Cache-Groups",
     "CDN-Cache-Control"],
)  # fmt: skip
async def test_48_headers_of_the_edge_sent_by_a_client(site: Site, name: str) -> None:
    site.serve("/page", reflecting(name))  # type: ignore[arg-type]
    await ask(site.host, site.port, "GET", f"{site.base}/page", [(name, "evil")])

    assert "evil" not in await site.text()
    if name.startswith(("TwoPass", "X-TwoPass", "Surrogate-Cap")):
        assert all("evil" not in (request.get(name) or "") for request in site.asked())


@pytest.mark.parametrize(
    "header",
    [{"cache_control": "no-cache"}, {"cache_control": "max-age=0"}, {"pragma": "no-cache"},
     {"cache_control": "no-store"}],
)  # fmt: skip
async def test_49_a_visitor_forces_no_miss(site: Site, header: dict[str, str]) -> None:
    site.serve("/page", page("page"))
    await site.text()
    for _ in range(3):
        await site.text(**header)

    assert len(site.asked("/page")) == 1


@pytest.mark.parametrize("vary", ["*", "X-Forwarded-Host", "TwoPass-Proof", "Cookie"])
async def test_50_vary_on_everything_and_on_the_edges_own(site: Site, vary: str) -> None:
    def handler(request: Request) -> Reply:
        cookie = request.get("cookie") if vary in ("*", "Cookie") else None
        return page(f"{request.get('x-forwarded-host')} {cookie}", vary=vary)

    site.serve("/page", handler)
    await site.get(x_forwarded_host="evil.test", cookie="who=evil")

    assert "evil" not in await site.text()


async def test_51_encodings_do_not_poison_each_other(site: Site) -> None:
    def handler(request: Request) -> Reply:
        if "gzip" in (request.get("accept-encoding") or "").replace("gzip;q=0", ""):
            reply = page("", vary="Accept-Encoding", content_encoding="gzip")
            return Reply(gzip.compress(b"plain text"), 200, reply.headers)
        return page("plain text", vary="Accept-Encoding")

    site.serve("/page", handler)
    for encoding in ("gzip", "identity", "br;q=1, gzip;q=0", "gzip", ""):
        response = await site.get(accept_encoding=encoding)
        coded = response.get("content-encoding")
        body = gzip.decompress(response.body) if coded == "gzip" else response.body
        assert body == b"plain text"
        assert coded is None or (coded == "gzip" and encoding == "gzip")


@pytest.mark.parametrize("status", [302, 304, 400, 404, 500, 503])
async def test_52_an_error_is_not_the_page(site: Site, status: int) -> None:
    replies = [Reply(b"", status, {"location": "/x"}), page("page")]
    site.serve("/page", lambda _: replies.pop(0) if len(replies) > 1 else replies[0])
    await site.get(if_none_match='"x"')

    assert await site.text() == "page"


async def test_53_a_purge_beats_a_fill_in_flight(site: Site, edge: Edge) -> None:
    started, release = asyncio.Event(), asyncio.Event()

    async def slow(_: Request) -> Reply:
        if not started.is_set():
            started.set()
            await release.wait()
            return page("old")
        return page("new")

    site.serve("/page", slow)
    filling = asyncio.create_task(site.get())
    await asyncio.wait_for(started.wait(), 10)
    url = f"http://{edge.host}:{edge.port}{site.base}/page"
    body = f'{{"urls": ["{url}"]}}'.encode()
    fields = [("Authorization", f"Bearer {TOKEN}"), ("Content-Type", "application/json")]
    purged = await ask("127.0.0.1", edge.admin_port, "POST", "/purge", fields, body)
    assert purged.status == 200
    release.set()
    await filling

    assert await site.text() == "new"
    assert await site.text() == "new"
    assert len(site.asked("/page")) == 2  # and the second answer was stored
