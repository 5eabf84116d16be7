"""Accept-Encoding: weights first, our order among equals, and never what was not named."""

from __future__ import annotations

import pytest

from edge.core.negotiation import best, taken

OURS = (b"br", b"zstd", b"gzip")


@pytest.mark.parametrize(
    ("field", "offer"),
    [
        (None, ""),
        ("", ""),
        ("gzip", "gzip"),
        ("gzip, deflate, br, zstd", "br zstd gzip"),
        ("GZIP, Br", "br gzip"),
        ("x-gzip", "gzip"),
        ("gzip;q=1.0, br;q=0.9", "gzip br"),
        ("br;q=0.5, zstd;q=0.5, gzip", "gzip br zstd"),
        ("br ; q=0.3,zstd\t;\tq=0.7", "zstd br"),
        ("br;q=0, gzip", "gzip"),
        ("br;q=0.000, gzip;q=0.001", "gzip"),
        ("*", ""),
        ("*;q=1, gzip;q=0.1", "gzip"),
        ("identity, gzip;q=0.5", ""),
        ("identity;q=0.5, gzip;q=0.5, br", "br gzip"),
        ("identity;q=0, gzip", "gzip"),
        ("gzip, gzip;q=0", "gzip"),
        ("deflate, compress", ""),
        ("gzip;q=2, br;q=0.1234, zstd;q=x", ""),
        ("gzip;level=9, br", "br"),
        ('"gzip", br', "br"),
        (",, gzip ,", "gzip"),
    ],
)
def test_what_a_visitor_takes(field: str | None, offer: str) -> None:
    headers = [] if field is None else [(b"accept-encoding", field.encode())]

    assert taken(headers, OURS) == tuple(offer.encode().split())


def test_lines_of_the_field_are_one() -> None:
    lines = [(b"accept-encoding", b"gzip;q=0.5"), (b"accept-encoding", b"br;q=0.4")]
    assert taken(lines, OURS) == (b"gzip", b"br")


def test_only_what_is_configured_is_tried_in_that_order() -> None:
    headers = [(b"accept-encoding", b"gzip, br, zstd")]
    assert taken(headers, (b"gzip", b"br")) == (b"gzip", b"br")
    assert taken(headers, ()) == ()


def test_the_best_there_is() -> None:
    assert best((b"br", b"gzip"), {b"gzip"}) == b"gzip"
    assert best((b"br", b"gzip"), {b"gzip", b"br"}) == b"br"
    assert best((b"br",), {b"gzip"}) is None
    assert best((), {b"gzip"}) is None
