from __future__ import annotations

import pytest
from heads import answer, fields, get

from edge.core.invalidation import (
    MAX_GROUPS,
    TooManyGroups,
    groups,
    invalidated_groups,
    invalidated_uris,
)

PAGE = b"https://example.com/page"


def uris(response: str, method: str = "POST", status: int = 200) -> list[bytes]:
    return invalidated_uris(get(method=method), answer(response, status))


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "FROBNICATE", "get"])
def test_unsafe_and_unknown_methods_invalidate(method: str) -> None:
    assert uris("", method) == [PAGE]


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "TRACE"])
def test_safe_methods_do_not(method: str) -> None:
    assert uris("Location: /other", method) == []


@pytest.mark.parametrize("status", [400, 404, 500, 503])
def test_errors_changed_nothing(status: int) -> None:
    assert uris("Location: /other", status=status) == []


@pytest.mark.parametrize("status", [200, 201, 204, 302, 303])
def test_location_and_content_location(status: int) -> None:
    response = "Location: /a?b=c\nContent-Location: https://EXAMPLE.com:443/d"

    assert uris(response, status=status) == [
        PAGE,
        b"https://example.com/a?b=c",
        b"https://example.com/d",
    ]


@pytest.mark.parametrize(
    "location",
    ["http://example.com/x", "https://evil.example/x", "https://example.com:8443/x",
     "https://user@example.com/x", "//evil.example/", "mailto:a@b", "https://[bad/", "/page"],
)  # fmt: skip
def test_another_origin_is_left_alone(location: str) -> None:
    assert uris(f"Location: {location}") == [PAGE]


def test_groups_of_every_kind() -> None:
    headers = fields('Cache-Groups: "a b", "c"\nSurrogate-Key: d  e\nxkey: f, g\nCache-Tag: h i, j')

    assert groups(headers) == {b"a b", b"c", b"d", b"e", b"f", b"g", b"h i", b"j"}


@pytest.mark.parametrize("value", ["a, b", '"a", 1', '"a"; "b"', '"a",', "("])
def test_what_is_no_list_of_strings_names_no_group(value: str) -> None:
    assert groups(fields(f"Cache-Groups: {value}")) == set()


def test_group_names_keep_their_case() -> None:
    assert groups(fields('Cache-Groups: "A", "a"')) == {b"A", b"a"}


def test_too_many_groups_are_an_error_not_a_cut() -> None:
    tags = " ".join(f"t{n}" for n in range(MAX_GROUPS + 1))

    with pytest.raises(TooManyGroups, match=str(MAX_GROUPS)):
        groups(fields(f"Surrogate-Key: {tags}"))
    with pytest.raises(TooManyGroups, match="longer"):
        groups(fields("Surrogate-Key: " + "x" * 300))


def test_group_invalidation_needs_an_unsafe_request_that_worked() -> None:
    response = answer('Cache-Group-Invalidation: "a", "b"')

    assert invalidated_groups(get(method="POST"), response) == {b"a", b"b"}
    assert invalidated_groups(get(), response) == set()
    failed = answer('Cache-Group-Invalidation: "a"', 500)
    assert invalidated_groups(get(method="POST"), failed) == set()


def test_group_invalidation_has_a_limit() -> None:
    names = ", ".join(f'"t{n}"' for n in range(MAX_GROUPS + 1))

    with pytest.raises(TooManyGroups):
        invalidated_groups(get(method="POST"), answer(f"Cache-Group-Invalidation: {names}"))
