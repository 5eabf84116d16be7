"""Bad inputs 63 to 66: requests made to fail, or to be two."""

from __future__ import annotations

import contextlib

import pytest

from tests.conformance.bad_inputs.site import Reply, Site, page
from tests.conformance.wire import Request, ask


def fails_when(site: Site, name: str, limit: int = 0, status: int = 400) -> None:
    """A page whose origin chokes on a header, and says so with a lifetime."""

    def handler(request: Request) -> Reply:
        value = request.get(name)
        if value is not None and len(value) > limit:
            return Reply(b"broken", status, {"cache-control": "max-age=3600"})
        return page("page")

    site.serve("/page", handler)


@pytest.mark.parametrize("size", [5_000, 15_000, 100_000])
async def test_63_an_oversize_header(site: Site, size: int) -> None:
    fails_when(site, "x-oversize", 4_000)
    with contextlib.suppress(EOFError, ConnectionError):
        response = await site.get(x_oversize="a" * size)
        assert response.status in (400, 413, 414, 431)

    assert await site.text() == "page"


@pytest.mark.parametrize("character", ["\x01", "\x07", "\x0b", "\x7f", "\x00"])
async def test_64_a_header_with_a_control_character(site: Site, character: str) -> None:
    fails_when(site, "x-meta")
    with contextlib.suppress(EOFError, ConnectionError):
        response = await site.get(x_meta=f"a{character}b")
        assert response.status == 400

    assert await site.text() == "page"


@pytest.mark.parametrize(
    ("name", "status"),
    [("x-http-method-override", 405), ("x-http-method", 405), ("x-method-override", 404),
     ("content-type", 415), ("expect", 417), ("upgrade", 501)],
)  # fmt: skip
async def test_65_a_header_that_changes_the_method(site: Site, name: str, status: int) -> None:
    fails_when(site, name, status=status)
    with contextlib.suppress(EOFError, ConnectionError):
        await ask(site.host, site.port, "GET", f"{site.base}/page", [(name, "frobnicate")])

    assert await site.text() == "page"


HIDDEN = b"GET BASE/hidden HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"


def _post(fields: bytes, body: bytes = b"") -> bytes:
    head = b"POST BASE/page HTTP/1.1\r\nHost: 127.0.0.1\r\n"
    return head + fields + b"\r\n\r\n" + body + HIDDEN


_CHUNKED = b"Transfer-Encoding: chunked"
_LAST = b"0\r\n\r\n"
SMUGGLED = {
    "length-and-chunked": _post(b"Content-Length: 6\r\n" + _CHUNKED, _LAST),
    "chunked-twice": _post(_CHUNKED + b"\r\nTransfer-Encoding: identity", _LAST),
    "chunked-obscured": _post(b"Content-Length: 4\r\nTransfer-Encoding: xchunked", b"5c\r\n"),
    "chunked-vertical-tab": _post(b"Transfer-Encoding:\x0bchunked\r\nContent-Length: 5", _LAST),
    "two-lengths": _post(b"Content-Length: 0\r\nContent-Length: 60"),
    "length-list": _post(b"Content-Length: 0, 60"),
    "length-plus": _post(b"Content-Length: +5", b"abcde"),
    "length-negative": _post(b"Content-Length: -1"),
    "length-hex": _post(b"Content-Length: 0x5", b"abcde"),
    "folded": _post(b"X-A: b\r\n Content-Length: 60"),
    "space-before-colon": _post(b"Content-Length : 60"),
    "bare-line-feed": _post(b"X-A: b\nContent-Length: 60"),
    "bare-line-feeds": _post(b"Content-Length: 60").replace(b"\r\n", b"\n"),
    "bare-carriage-return": _post(b"X-A: b\rContent-Length: 60"),
    "chunk-extension": _post(_CHUNKED, b"2;a=\nxx\r\n50\r\n\r\n"),
    "chunk-size-huge": _post(_CHUNKED, b"1000000000000000000\r\n"),
    "chunk-size-sign": _post(_CHUNKED, b"+0\r\n\r\n"),
    "line-break-in-target": b"GET BASE/page\x0aX: y HTTP/1.1\r\nHost: a\r\n\r\n" + HIDDEN,
    "version-0.9": b"GET BASE/page\r\n\r\n" + HIDDEN,
}


@pytest.mark.parametrize("name", sorted(SMUGGLED))
async def test_66_one_request_stays_one(site: Site, name: str) -> None:
    """What stands in a body by one reading must not be a request by another.

    (From HTTP/2 to HTTP/1.1: not applicable, the edge speaks HTTP/1.1 only.)
    """
    site.serve("/page", page("page", cache_control="no-store"))
    site.serve("/hidden", page("hidden", cache_control="no-store"))
    with contextlib.suppress(EOFError, ConnectionError, TimeoutError):
        response = await site.send(SMUGGLED[name])
        assert b"hidden" not in response.body
    # A pipelined second request is the client's right and comes as one; then the first was one too.
    for request in site.asked("/page"):
        assert b"hidden" not in request.body
        assert len(request.all("content-length")) + len(request.all("transfer-encoding")) <= 1

    assert await site.text() == "page"
    assert (await site.get("/page")).body == b"page"
