from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fragments.esi import DestinationGuard, RefusedDestination
from fragments.esi.destination import is_address, resolve
from fragments.esi.limits import DEFAULT_LIMITS

BASE = "https://shop.example/a/b?c"


@pytest.mark.parametrize(
    ("reference", "url"),
    [
        ("/x", "https://shop.example/x"),
        ("x", "https://shop.example/a/x"),
        ("../x", "https://shop.example/x"),
        ("../../../x", "https://shop.example/x"),
        ("?y", "https://shop.example/a/b?y"),
        ("//Other.Example/x", "https://other.example/x"),
        ("https://other.example", "https://other.example/"),
        ("https://other.example:443/x", "https://other.example/x"),
        ("http://other.example.:8080/x", "http://other.example:8080/x"),
        ("/a b/\u00e4#frag", "https://shop.example/a%20b/%C3%A4"),
        ("/\\evil.example/x", "https://shop.example/%5Cevil.example/x"),
        ("\\\\evil.example/x", "https://shop.example/a/%5C%5Cevil.example/x"),
        ("  /x  ", "https://shop.example/x"),
    ],
)
def test_resolving(reference: str, url: str) -> None:
    assert resolve(reference, BASE).url == url


@pytest.mark.parametrize(
    "reference",
    [
        "file:///etc/passwd",
        "gopher://x/",
        "ftp://x/",
        "javascript:alert(1)",
        "data:,x",
        "http://user@shop.example/",
        "http://user:pass@shop.example/",
        "http://[::1]evil.example/",
        "http://[fe80::1%25eth0]/",
        "http:///x",
        "http://:80/",
        "http://a b/",
        "http://a/\r\nX: y",
        "/x\r\nX: y",
        "/x\x00",
        "/x\ty",
        "http://a:0/",
        "http://a:99999/",
        "http://a..b/",
        "http://\u00e4.example/",
        "http://[::1/",
        "/" + "a" * DEFAULT_LIMITS.url,
    ],
)
def test_what_leads_nowhere(reference: str) -> None:
    with pytest.raises(RefusedDestination):
        resolve(reference, BASE)


def check(reference: str, guard: DestinationGuard) -> None:
    guard.check(resolve(reference, BASE), "shop.example")


def test_only_the_pages_own_host_by_default() -> None:
    guard = DestinationGuard()

    check("/x", guard)
    check("http://shop.example/x", guard)
    for other in (
        "http://other.example/",
        "https://shop.example:8443/",
        "https://shop.example.evil/",
    ):
        with pytest.raises(RefusedDestination, match="--esi-host"):
            check(other, guard)


ADDRESSES = [
    "169.254.169.254",
    "127.0.0.1",
    "2130706433",
    "0x7f000001",
    "0x7f.1",
    "017700000001",
    "127.1",
    "10.0.0.1.",
    "[::1]",
    "[::ffff:10.0.0.1]",
    "[64:ff9b::a00:1]",
]


@pytest.mark.parametrize("host", ADDRESSES)
def test_an_address_needs_to_be_listed_letter_by_letter(host: str) -> None:
    everything = DestinationGuard(allows=lambda _: True)

    assert is_address(host)
    with pytest.raises(RefusedDestination, match="address"):
        check(f"http://{host}/", everything)
    check(f"http://{host}/", DestinationGuard(allows=lambda _: True, lists=lambda _: True))


@pytest.mark.parametrize("host", ["shop.example", "a1.b2c", "1.example", "x0x", "localhost"])
def test_names_are_no_addresses(host: str) -> None:
    assert not is_address(host)


def test_the_admin_port_is_never_asked() -> None:
    guard = DestinationGuard(lambda _: True, lambda _: True, refused_ports=frozenset({9000}))

    check("http://other.example:8000/", guard)
    for url in (
        "http://localhost:9000/purge",
        "http://127.0.0.1:9000/",
        "https://shop.example:9000/",
    ):
        with pytest.raises(RefusedDestination, match="administration"):
            check(url, guard)


@pytest.mark.parametrize(
    "path",
    ["/_twopass/fragments", "//_twopass/x", "/./_twopass/x", "/a/../_twopass/", "/%5ftwopass/x",
     "/%5Ftwopass%2Fx", "/a/%2e%2e/_twopass/x", "/%2e/_twopass/", "/a\\..\\_twopass\\x"],
)  # fmt: skip
def test_the_edges_own_endpoints_are_never_asked(path: str) -> None:
    with pytest.raises(RefusedDestination, match="edge itself"):
        check("https://shop.example" + path, DestinationGuard())


@given(st.text(max_size=60))
def test_any_reference_resolves_cleanly_or_is_refused(reference: str) -> None:
    try:
        destination = resolve(reference, BASE)
    except RefusedDestination:
        return

    assert destination.url.isascii()
    assert not set(destination.url) & set(" \r\n\t\x00\\#")
    assert destination.target.startswith("/")
    assert resolve(destination.url, BASE) == destination
