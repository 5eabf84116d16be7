"""Bad inputs 28 to 39: documents and fragments that would use the edge up."""

from __future__ import annotations

import asyncio
import gzip
import time

from tests.conformance.bad_inputs.site import Reply, Site, esi, page, resident_bytes
from tests.conformance.own_edge import Edge

MEGABYTE = 1 << 20


def include(site: Site, path: str, more: str = "") -> str:
    return f"<esi:include src='{site.base}{path}' {more}/>"


async def test_28_a_page_inside_of_itself(site: Site) -> None:
    site.serve("/x", esi(f"x{include(site, '/x')}", cache_control="no-store"))
    site.serve("/page", esi(include(site, "/x")))

    assert await site.text() == "x"
    assert len(site.asked("/x")) == 1


async def test_29_a_page_twice_inside_of_itself(site: Site) -> None:
    site.serve("/x", esi(f"x{include(site, '/x?1')}{include(site, '/x?2')}"))
    site.serve("/page", esi(include(site, "/x")))

    assert set(await site.text()) == {"x"}
    assert len(site.asked("/x")) <= 63


async def test_30_two_pages_inside_of_each_other(site: Site) -> None:
    site.serve("/a", esi(f"a{include(site, '/b')}", cache_control="no-store"))
    site.serve("/b", esi(f"b{include(site, '/a')}", cache_control="no-store"))
    site.serve("/page", esi(include(site, "/a")))

    assert await site.text() == "ab"
    assert len(site.asked("/a")) == len(site.asked("/b")) == 1


async def test_31_ten_thousand_includes(site: Site) -> None:
    site.serve("/x", page("x", cache_control="no-store"))
    body = "".join(include(site, f"/x?{number}") for number in range(10_000))
    site.serve("/page", esi(body))
    response = await asyncio.wait_for(site.get(), 30)

    assert response.status in (200, 502)
    assert 1 <= len(site.asked("/x")) <= 256 or response.status == 502


async def test_32_ten_thousand_elements_deep(site: Site) -> None:
    site.serve("/x", page("X"))
    for opener, closer in (
        ("<!--esi ", "-->"),
        ("<esi:choose><esi:when test='1'>", "</esi:when></esi:choose>"),
        ("<esi:vars>", "</esi:vars>"),
    ):
        deep = opener * 10_000 + closer * 10_000
        site.serve("/page", esi(f"{include(site, '/x')}{deep}.", cache_control="no-store"))
        text = await asyncio.wait_for(site.text(), 10)
        assert text.startswith("X")
        assert text.endswith(".")


async def test_33_a_tag_never_closed_over_100_megabytes(site: Site, edge: Edge) -> None:
    async def endless(writer: asyncio.StreamWriter) -> None:
        writer.write(b"<esi:include src='")
        for _ in range(100):
            writer.write(b"a" * MEGABYTE)
            await writer.drain()

    headers = {"content-type": "text/html", "surrogate-control": 'content="ESI/1.0"'}
    site.serve("/page", Reply(headers={**headers, "connection": "close"}, stream=endless))
    before = resident_bytes(edge.pid)
    response = await asyncio.wait_for(site.get(), 60)

    assert response.status in (502, 500) or not response.is_whole
    assert resident_bytes(edge.pid) - before < 150 * MEGABYTE


async def test_34_a_fragment_that_never_ends(site: Site) -> None:
    async def trickle(writer: asyncio.StreamWriter) -> None:
        for _ in range(200):
            writer.write(b"1\r\nx\r\n")
            await writer.drain()
            await asyncio.sleep(0.1)

    site.serve("/slow", Reply(headers={"transfer-encoding": "chunked"}, stream=trickle))
    site.serve("/page", esi(f"a{include(site, '/slow', 'maxwait=300')}b"))
    start = time.monotonic()
    text = await asyncio.wait_for(site.text(), 15)

    assert set(text) <= set("axb")
    assert text.startswith("a")
    assert text.endswith("b")
    assert time.monotonic() - start < 10


async def test_35_a_gzip_bomb(site: Site, edge: Edge) -> None:
    bomb = gzip.compress(b"\0" * (256 * MEGABYTE), 9)
    site.serve("/bomb", Reply(bomb, headers={"content-encoding": "gzip"}))
    site.serve("/ok", page("[OK]"))
    site.serve("/page", esi(f"{include(site, '/bomb')}{include(site, '/ok')}"))
    before = resident_bytes(edge.pid)
    response = await asyncio.wait_for(site.get(accept_encoding="identity"), 30)

    assert response.body.rstrip().endswith(b"[OK]")
    assert len(response.body) < 64 * MEGABYTE
    assert resident_bytes(edge.pid) - before < 150 * MEGABYTE


async def test_36_a_fragment_cut_short(site: Site) -> None:
    short = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\nCache-Control: max-age=60\r\n\r\nhalf"
    site.serve("/short", Reply(raw=short))
    site.serve("/page", esi(f"a{include(site, '/short')}b"))

    for _ in range(2):
        text = await site.text()
        assert text in ("ab", "ahalfb")
    assert len(site.asked("/short")) >= 2  # never stored


async def test_37_a_client_that_leaves_stops_the_work(site: Site, edge: Edge) -> None:
    reached = asyncio.Event()

    async def forever(writer: asyncio.StreamWriter) -> None:
        reached.set()
        while True:
            writer.write(b"1\r\nx\r\n")
            await writer.drain()
            await asyncio.sleep(0.05)

    headers = {"transfer-encoding": "chunked", "cache-control": "no-store"}
    site.serve("/slow", Reply(headers=headers, stream=forever))
    site.serve("/page", esi(f"a{include(site, '/slow')}b", cache_control="no-store"))
    _, writer = await asyncio.open_connection(edge.host, edge.port)
    writer.write(f"GET {site.base}/page HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
    await asyncio.wait_for(reached.wait(), 10)
    writer.close()

    for _ in range(100):
        if f"{site.base}/slow" in site.origin.gone:
            break
        await asyncio.sleep(0.1)
    assert f"{site.base}/slow" in site.origin.gone


async def test_38_floods_of_names_and_variants(site: Site, edge: Edge) -> None:
    site.serve("/page", page("p" * 1000, vary="X-Flood"))
    before = resident_bytes(edge.pid)
    names = "&".join(f"n{number}=1" for number in range(1000))
    assert (await site.get(f"/page?{names}")).status in (200, 414)
    for start in range(0, 1000, 100):
        await asyncio.gather(*(site.get(x_flood=str(start + n)) for n in range(100)))

    assert await site.text(x_flood="fine") == "p" * 1000
    assert resident_bytes(edge.pid) - before < 64 * MEGABYTE


async def test_39_ten_thousand_tags_and_a_megabyte_of_them(site: Site, edge: Edge) -> None:
    tags = " ".join(f"t{number}" for number in range(10_000))
    site.serve("/page", page("many", surrogate_key=tags))
    site.serve("/huge", page("huge", surrogate_key="x " * (MEGABYTE // 2)))
    before = resident_bytes(edge.pid)
    many, huge = await site.get("/page"), await site.get("/huge")

    assert many.status in (200, 502)
    assert huge.status in (200, 502)
    assert many.get("surrogate-key") is None
    await site.get("/page")
    assert len(site.asked("/page")) == 2  # served, but not stored without all of its tags
    assert resident_bytes(edge.pid) - before < 64 * MEGABYTE
