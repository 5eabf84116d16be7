from __future__ import annotations

import pytest
from heads import fields

from edge.core import messages


def test_connection_names_fields_for_one_hop_only() -> None:
    headers = fields("Connection: close, X-Hop\nX-Hop: 1\nX-Stay: 2\nTE: trailers")

    assert messages.end_to_end(headers) == [(b"x-stay", b"2")]


@pytest.mark.parametrize(
    "name", ["Cookie", "Authorization", "Cache-Control", "Set-Cookie", "Vary", "Content-Type"]
)
def test_connection_cannot_strip_what_decides_about_sharing(name: str) -> None:
    headers = fields(f"Connection: {name}\n{name}: kept")

    assert messages.end_to_end(headers) == [(name.lower().encode(), b"kept")]


def test_lines_of_one_name_make_one_list() -> None:
    headers = fields("Accept: a\nX: y\nAccept: b")

    assert messages.combined(headers, b"accept") == b"a, b"
    assert messages.first(headers, b"accept") == b"a"
    assert messages.values(headers, b"accept") == [b"a", b"b"]


def test_absent_is_not_empty() -> None:
    assert messages.combined(fields("X:"), b"x") == b""
    assert messages.combined([], b"x") is None
    assert messages.has(fields("X:"), b"x")


def test_names_from_elsewhere_are_lowered() -> None:
    assert messages.lower_names([(b"X-Y", b"Z")]) == [(b"x-y", b"Z")]
