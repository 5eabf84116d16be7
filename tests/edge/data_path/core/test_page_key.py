"""Queries that count, and labels that purges find pages by."""

from __future__ import annotations

import pytest

from edge.core.page_key import IgnorableQuery, canonical, filtered_query, findable, label_url
from edge.core.purge import Invalidation, InvalidationError

IGNORABLE = IgnorableQuery.of(["gclid", "utm_*"])


@pytest.mark.parametrize(
    ("query", "declared", "kept"),
    [
        (None, None, None),
        (b"", None, b""),
        (b"a=1&b=2", None, b"a=1&b=2"),
        (b"b=2&a=1", None, b"b=2&a=1"),
        (b"gclid=1", None, None),
        (b"utm_x=1&a=1&utm_=2", None, b"a=1"),
        (b"GCLID=1", None, b"GCLID=1"),
        (b"%67clid=1", None, None),
        (b"a=1&gclid", None, b"a=1"),
        (b"b=2&a=1", ("a", "b"), b"a=1&b=2"),
        (b"a=2&b=1&a=1", ("a",), b"a=2&a=1"),
        (b"%61=1&x=1", ("a",), b"%61=1"),
        (b"x=1", (), None),
        (b"a=1;b=2", ("a",), b"a=1;b=2"),
        (b"a=1&&b=2", None, b"a=1&&b=2"),
    ],
)
def test_the_query_that_counts(
    query: bytes | None, declared: tuple[str, ...] | None, kept: bytes | None
) -> None:
    expected = None if kept == b"" else kept

    assert filtered_query(query, IGNORABLE, declared) == expected


@pytest.mark.parametrize(
    ("path", "label"),
    [
        (b"/a", "http://s.test/a"),
        (b"/%61", "http://s.test/a"),
        (b"/caf%c3%a9", "http://s.test/caf%C3%A9"),
        (b"/a%2fb", "http://s.test/a/b"),
        (b"/a b".replace(b" ", b"%20"), "http://s.test/a%20b"),
    ],
)
def test_spellings_of_a_path_have_one_label(path: bytes, label: str) -> None:
    assert label_url(b"http://s.test", path) == label


@pytest.mark.parametrize(
    ("url", "label"),
    [
        ("http://S.test:80/a?x=1#y", "http://s.test/a"),
        ("https://s.test:443", "https://s.test/"),
        ("https://s.test:8443/%61", "https://s.test:8443/a"),
        ("http://s.test/café", "http://s.test/caf%C3%A9"),
    ],
)
def test_purges_speak_in_labels(url: str, label: str) -> None:
    found = canonical(Invalidation(urls=(url,), prefixes=(url,)))

    assert (found.urls, found.prefixes) == ((label,), (label,))


@pytest.mark.parametrize("url", ["http://", "http://a b/", "http://a@b/", "http://[::1/"])
def test_a_purge_that_names_no_host_is_an_error_or_finds_nothing(url: str) -> None:
    with pytest.raises(InvalidationError, match="does not name a host"):
        canonical(Invalidation(urls=(url,)))
    assert findable(Invalidation(urls=(url, "http://a/"))).urls == ("http://a/",)
