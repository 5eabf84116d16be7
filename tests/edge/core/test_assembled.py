"""Header fields of assembled pages: the strictest of all parts."""

from __future__ import annotations

import pytest
from heads import fields

from edge.core.assembled import (
    Part,
    Request,
    accepts_gzip,
    cache_control,
    entity_tag,
    page_fields,
    streamed_fields,
    varies_by_coding,
)
from edge.core.messages import combined, has


def parts(*controls: str) -> list[Part]:
    return [Part(fields(f"Cache-Control: {control}" if control else "")) for control in controls]


NOBODY = Request(())
DATED = "Date: Tue, 14 Nov 2023 22:13:20 GMT\nExpires: Tue, 14 Nov 2023 22:14:20 GMT"


class TestCacheControl:
    @pytest.mark.parametrize(
        ("controls", "page"),
        [
            (("max-age=60", "max-age=10"), "max-age=10"),
            (("max-age=10", "max-age=60"), "max-age=10"),
            (("max-age=60", "private"), "private, no-cache"),
            (("private, max-age=60", "max-age=60"), "private, no-cache"),
            (("max-age=60", 'private="set-cookie", max-age=60'), "private, no-cache"),
            (("max-age=60", "no-store"), "private, no-store"),
            (("no-store", "private"), "private, no-store"),
            (("max-age=60", "no-cache, max-age=60"), "no-cache"),
            (("max-age=60", ""), "private, no-cache"),
            (("", "max-age=60"), "private, no-cache"),
            (("max-age=60", "public"), "private, no-cache"),
            (("s-maxage=60", "max-age=10"), "max-age=0, s-maxage=10"),
            (("max-age=5, s-maxage=60", "max-age=10"), "max-age=5, s-maxage=10"),
            (("max-age=60, must-revalidate", "max-age=10"), "max-age=10, must-revalidate"),
            (("max-age=60", "max-age=10, proxy-revalidate"), "max-age=10, must-revalidate"),
            (("max-age=60", "max-age=nonsense"), "max-age=0"),
            (("MAX-AGE=60", "No-Store"), "private, no-store"),
        ],
    )
    def test_the_strictest_counts(self, controls: tuple[str, ...], page: str) -> None:
        assert cache_control(parts(*controls), NOBODY) == page.encode()

    def test_ages_are_taken_off(self) -> None:
        old = Part(fields("Cache-Control: max-age=60"), 50)
        older = Part(fields("Cache-Control: max-age=60"), 70)

        assert cache_control([old, *parts("max-age=60")], NOBODY) == b"max-age=10"
        assert cache_control([old, older], NOBODY) == b"max-age=0"

    def test_expires_counts_where_max_age_is_missing(self) -> None:
        assert cache_control([Part(fields(DATED))], NOBODY) == b"max-age=60"
        assert cache_control([Part(fields(f"{DATED}\nCache-Control: max-age=5"))], NOBODY) == (
            b"max-age=5"
        )
        twice = f"{DATED}\nExpires: Tue, 14 Nov 2023 22:19:20 GMT"
        assert cache_control([Part(fields(twice))], NOBODY) == b"max-age=0"

    @pytest.mark.parametrize(
        ("part", "request_"),
        [
            ("Cache-Control: max-age=60\nSet-Cookie: a=1", NOBODY),
            ("Cache-Control: max-age=60\nVary: *", NOBODY),
            ("Cache-Control: max-age=60", Request(fields("Authorization: Basic x"))),
            ("Cache-Control: max-age=60", Request((), frozenset({"HTTP_COOKIE"}))),
        ],
    )
    def test_what_is_somebodys_is_private(self, part: str, request_: Request) -> None:
        assert cache_control([Part(fields(part))], request_) == b"private, no-cache"


SHELL = """
    Content-Type: text/html
    Cache-Control: max-age=60
    CDN-Cache-Control: max-age=600
    ETag: "v"
    Last-Modified: Tue, 14 Nov 2023 22:13:20 GMT
    Expires: Tue, 14 Nov 2033 22:13:20 GMT
    Content-Length: 5
    Content-Encoding: gzip
    Accept-Ranges: bytes
    Repr-Digest: sha-256=:AAAA:
    Age: 7
    Link: </a.css>; rel=preload
    Vary: X-A
"""


class TestFields:
    def test_what_spoke_of_the_document_is_gone(self) -> None:
        page = page_fields(fields(SHELL), [Part(fields(SHELL))], NOBODY)

        assert sorted(name.decode() for name, _ in page) == [
            "cache-control", "content-type", "link", "vary",
        ]  # fmt: skip

    def test_a_page_that_streams_is_never_stored(self) -> None:
        page = streamed_fields(fields(SHELL), [Part(fields(SHELL))])

        assert combined(page, b"cache-control") == b"private, no-store"
        assert not has(page, b"etag")
        assert not has(page, b"content-length")

    def test_vary_names_what_variables_read(self) -> None:
        read = frozenset({"HTTP_USER_AGENT", "HTTP_X_A", "HTTP_HOST", "QUERY_STRING"})
        page = page_fields((), parts("max-age=60"), Request((), read))

        assert combined(page, b"vary") == b"user-agent, x-a"

    def test_tags_differ_where_pages_do(self) -> None:
        assert entity_tag(b"a") == entity_tag(b"a") != entity_tag(b"b")
        assert entity_tag(b"a").startswith(b'W/"')

    @pytest.mark.parametrize(
        ("vary", "expected"),
        [
            ("", b"accept-encoding"),
            ("Vary: X-A", b"accept-encoding, x-a"),
            ("Vary: Accept-Encoding", b"Accept-Encoding"),
            ("Vary: *", b"*"),
        ],
    )
    def test_vary_by_coding(self, vary: str, expected: bytes) -> None:
        assert combined(varies_by_coding(fields(vary)), b"vary") == expected

    @pytest.mark.parametrize(
        ("accept", "does"),
        [
            ("gzip", True), ("br, GZIP;q=0.5", True), ("x-gzip", True), ("gzip ; q=1.0", True),
            ("br", False), ("gzip;q=0", False), ("gzip;q=0.000", False), ("", False),
            ("gzipped", False), ("identity, *;q=0", False),
        ],
    )  # fmt: skip
    def test_gzip_is_for_who_names_it(self, accept: str, does: bool) -> None:
        assert accepts_gzip(fields(f"Accept-Encoding: {accept}" if accept else "")) is does
