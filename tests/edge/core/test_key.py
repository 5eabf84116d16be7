from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from edge.core.key import (
    MAX_TARGET,
    BadTarget,
    HostPatterns,
    canonical_host,
    canonical_target,
    primary_key,
    uri_of,
)


@pytest.mark.parametrize(
    ("host", "canonical"),
    [
        (b"Example.COM", b"example.com"),
        (b"example.com.", b"example.com"),
        (b"example.com:443", b"example.com"),
        (b"example.com:0443", b"example.com"),
        (b"example.com:80", b"example.com:80"),
        (b"127.0.0.1:8080", b"127.0.0.1:8080"),
        (b"[::1]:443", b"[::1]"),
        (b"my_app", b"my_app"),
    ],
)
def test_one_host_has_one_spelling(host: bytes, canonical: bytes) -> None:
    assert canonical_host(host, b"https") == canonical


@pytest.mark.parametrize(
    "host",
    [
        b"",
        b"a b",
        b"user@example.com",
        b"[::1]evil.com",
        b"example.com/path",
        b"example.com:",
        b"example.com:99999",
        b"example.com:0",
        b"example.com:80:80",
        b"a,b",
        b"..",
        b"example..com",
        b"-a.com",
        b"example.com\r\n",
        b"ex\xc3\xa4mple.com",
        b"a" * 300,
    ],
)
def test_what_names_no_host_is_refused(host: bytes) -> None:
    with pytest.raises(BadTarget, match="Host"):
        canonical_host(host, b"https")


@pytest.mark.parametrize(
    "target", [b"/", b"/a//b", b"/./a", b"/%2e%2e/a", b"/a%2fb", b"/A", b"/a?", b"/a?b=%3f&b"]
)
def test_a_target_is_left_as_the_origin_will_read_it(target: bytes) -> None:
    assert canonical_target(target) == target


def test_bytes_beyond_ascii_are_escaped() -> None:
    assert canonical_target("/caf\u00e9".encode()) == b"/caf%C3%A9"


@pytest.mark.parametrize(
    "target", [b"", b"*", b"http://x/", b"a", b"/a b", b"/a#b", b"/\x00", b"/\r\n", b"/\x7f"]
)
def test_what_is_no_path_is_refused(target: bytes) -> None:
    with pytest.raises(BadTarget):
        canonical_target(target)


def test_a_target_has_a_limit() -> None:
    with pytest.raises(BadTarget, match=str(MAX_TARGET)):
        canonical_target(b"/" + b"a" * MAX_TARGET)


class TestHostPatterns:
    def test_exact_hosts_and_wildcards(self) -> None:
        patterns = HostPatterns.compile(["Example.com", "*.shop.example", "[::1]:8080"])

        assert patterns.allow(b"example.com")
        assert patterns.allow(b"example.com:8080")
        assert patterns.allow(b"a.shop.example")
        assert patterns.allow(b"a.b.shop.example:81")
        assert patterns.allow(b"[::1]:8080")
        assert not patterns.allow(b"shop.example")
        assert not patterns.allow(b"evilshop.example")
        assert not patterns.allow(b"example.com.evil")
        assert not patterns.allow(b"[::1]")

    def test_a_port_in_a_pattern_is_meant(self) -> None:
        patterns = HostPatterns.compile(["example.com:8080"])

        assert patterns.allow(b"example.com:8080")
        assert not patterns.allow(b"example.com")

    def test_none_allows_nothing_and_star_everything(self) -> None:
        assert not HostPatterns.compile([]).allow(b"example.com")
        assert HostPatterns.compile(["*"]).allow(b"example.com")

    @pytest.mark.parametrize("pattern", ["", "*.", "a.*", "http://a", "*a.com", "a b"])
    def test_nonsense_is_named(self, pattern: str) -> None:
        with pytest.raises(ValueError, match="host pattern"):
            HostPatterns.compile([pattern])


_hosts = st.sampled_from([b"a.com", b"b.com", b"a.com:80", b"a.com:8080", b"[::1]"])
_targets = st.text("/ab?&=%2f.;:", max_size=12).map(lambda text: b"/" + text.encode())
_dimensions = st.lists(
    st.tuples(st.sampled_from([b"a", b"b", b"lang"]), st.binary(max_size=6)),
    max_size=3,
    unique_by=lambda pair: pair[0],
)
_parts = st.tuples(st.sampled_from([b"http", b"https"]), _hosts, _targets, _dimensions)


@given(_parts, _parts)
def test_keys_are_injective(one: tuple, other: tuple) -> None:  # type: ignore[type-arg]
    assume((*one[:3], sorted(one[3])) != (*other[:3], sorted(other[3])))

    assert primary_key(*one) != primary_key(*other)


@given(_parts)
def test_the_uri_can_be_read_off(parts: tuple) -> None:  # type: ignore[type-arg]
    scheme, host, target, _ = parts

    assert uri_of(primary_key(*parts)) == scheme + b"://" + host + target


@given(st.binary(max_size=40))
def test_canonical_targets_are_ascii_and_stable(target: bytes) -> None:
    try:
        canonical = canonical_target(target)
    except BadTarget:
        return

    assert canonical.isascii()
    assert canonical_target(canonical) == canonical
