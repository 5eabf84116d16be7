"""What is taken in, from whom, and under which name."""

from __future__ import annotations

import pytest

from edge.core.forwarded import TrustedProxies
from edge.core.inbound import Gatekeeper, Inbound, Refused
from edge.core.key import HostPatterns

HOST = (b"host", b"shop.test")


def admit(*headers: tuple[bytes, bytes], target: bytes = b"/", peer: str = "192.0.2.7") -> Inbound:
    keeper = Gatekeeper(HostPatterns.compile(["shop.test"]), TrustedProxies.parse(["10.0.0.0/8"]))
    return keeper.admit(b"GET", b"http", peer, target, headers)


@pytest.mark.parametrize(
    ("target", "path", "query"),
    [
        (b"/", b"/", None),
        (b"/a?b=c", b"/a", b"b=c"),
        (b"/a?", b"/a", b""),
        (b"/a?b?c", b"/a", b"b?c"),
        ("/ä".encode("latin-1"), b"/%E4", None),
    ],
)
def test_targets_are_parted_at_the_first_question_mark(
    target: bytes, path: bytes, query: bytes | None
) -> None:
    inbound = admit(HOST, target=target)

    assert (inbound.path, inbound.query) == (path, query)


@pytest.mark.parametrize(
    ("headers", "target", "status"),
    [
        ((), b"/", 400),
        ((HOST, HOST), b"/", 400),
        (((b"host", b"evil.test"),), b"/", 421),
        (((b"host", b"shop.test#"),), b"/", 400),
        ((HOST,), b"*", 400),
        ((HOST,), b"http://shop.test/", 400),
        ((HOST,), b"/a b", 400),
        ((HOST,), b"/" + b"a" * 20_000, 400),
    ],
)
def test_what_names_no_resource_of_ours_is_refused(
    headers: tuple[tuple[bytes, bytes], ...], target: bytes, status: int
) -> None:
    with pytest.raises(Refused) as refused:
        admit(*headers, target=target)

    assert refused.value.status == status


@pytest.mark.parametrize(
    ("headers", "has_body"),
    [
        ((), False),
        (((b"content-length", b"0"),), False),
        (((b"content-length", b"3"),), True),
        (((b"transfer-encoding", b"chunked"),), True),
    ],
)
def test_bodies_are_announced(headers: tuple[tuple[bytes, bytes], ...], has_body: bool) -> None:
    assert admit(HOST, *headers).has_body is has_body


@pytest.mark.parametrize(
    ("peer", "headers", "client", "scheme"),
    [
        ("192.0.2.7", ((b"x-forwarded-for", b"1.2.3.4"),), "192.0.2.7", b"http"),
        ("10.1.2.3", (), "10.1.2.3", b"http"),
        ("10.1.2.3", ((b"x-forwarded-for", b"1.2.3.4"),), "1.2.3.4", b"http"),
        ("10.1.2.3", ((b"x-forwarded-for", b"9.9.9.9, 1.2.3.4, 10.0.0.1"),), "1.2.3.4", b"http"),
        ("10.1.2.3", ((b"x-forwarded-for", b"10.0.0.2, 10.0.0.1"),), "10.0.0.2", b"http"),
        ("10.1.2.3", ((b"x-forwarded-for", b"unknown"),), "10.1.2.3", b"http"),
        ("10.1.2.3", ((b"x-forwarded-for", b"[2001:db8::1]:99"),), "2001:db8::1", b"http"),
        ("::ffff:10.1.2.3", ((b"x-forwarded-for", b"1.2.3.4:99"),), "1.2.3.4", b"http"),
        ("10.1.2.3", ((b"x-forwarded-proto", b"https"),), "10.1.2.3", b"https"),
        ("10.1.2.3", ((b"x-forwarded-proto", b"http, HTTPS"),), "10.1.2.3", b"https"),
        ("10.1.2.3", ((b"x-forwarded-proto", b"gopher"),), "10.1.2.3", b"http"),
        ("10.1.2.3", ((b"forwarded", b'for="[2001:db8::7]:1";proto=https'),),
         "2001:db8::7", b"https"),
        ("10.1.2.3", ((b"forwarded", b"for=1.1.1.1, for=_hidden;proto=https"),),
         "1.1.1.1", b"https"),
        ("192.0.2.7", ((b"forwarded", b"for=1.1.1.1;proto=https"),), "192.0.2.7", b"http"),
    ],
)  # fmt: skip
def test_forwarding_fields_count_from_trusted_proxies_only(
    peer: str, headers: tuple[tuple[bytes, bytes], ...], client: str, scheme: bytes
) -> None:
    inbound = admit(HOST, *headers, peer=peer)

    assert (inbound.client, inbound.head.scheme) == (client, scheme)
    assert inbound.head.headers == []


def test_a_trusted_proxy_tells_the_host() -> None:
    told = (b"x-forwarded-host", b"shop.test")

    assert admit((b"host", b"internal"), told, peer="10.0.0.1").head.host == b"shop.test"
    with pytest.raises(Refused):
        admit((b"host", b"internal"), told)


def test_a_unix_socket_is_trusted_only_where_that_is_said() -> None:
    assert not TrustedProxies.parse(["10.0.0.0/8"]).trusts("")
    assert TrustedProxies.parse(["unix"]).trusts("")


@pytest.mark.parametrize("entry", ["10.0.0.0/33", "proxy.test", ""])
def test_what_is_no_network_is_refused_with_advice(entry: str) -> None:
    with pytest.raises(ValueError, match="write an address, a network"):
        TrustedProxies.parse([entry])
