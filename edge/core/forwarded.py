"""Who really asks: the client's address, scheme and host behind trusted proxies."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass

from edge.core.messages import Headers, list_members, values

_Network = ipaddress.IPv4Network | ipaddress.IPv6Network
UNIX = "unix"
"""The entry that trusts whoever connects through a unix socket, who has no address."""


@dataclass(frozen=True, slots=True)
class Sender:
    """Whom a request comes from and under which address they asked. `host` is not yet judged."""

    client: str
    scheme: bytes
    host: bytes | None


@dataclass(frozen=True, slots=True)
class TrustedProxies:
    """The networks whose X-Forwarded-* and Forwarded fields are believed."""

    networks: tuple[_Network, ...] = ()
    trusts_unix: bool = False

    @classmethod
    def parse(cls, entries: Iterable[str]) -> TrustedProxies:
        """From addresses, networks and `unix`. Raises ValueError naming what is none of them."""
        names = [entry.strip() for entry in entries]
        try:
            networks = tuple(
                ipaddress.ip_network(name, strict=False) for name in names if name != UNIX
            )
        except ValueError as error:
            raise ValueError(
                f"trusted proxy {error}; write an address, a network such as 10.0.0.0/8, or unix"
            ) from error
        return cls(networks, UNIX in names)

    def trusts(self, address: str) -> bool:
        """Whether the peer at `address` ("" for a unix socket) may speak for others."""
        if not address:
            return self.trusts_unix
        if not self.networks:
            return False
        try:
            parsed = ipaddress.ip_address(address)
        except ValueError:
            return False
        mapped = getattr(parsed, "ipv4_mapped", None)
        return any((mapped or parsed) in network for network in self.networks)

    def sender(self, peer: str, scheme: bytes, host: bytes | None, headers: Headers) -> Sender:
        """The request's sender: `peer` itself unless it is trusted.

        The nearest proxy's word counts, so of a list the last member; of addresses the last one
        that is not itself a trusted proxy.
        """
        if not self.trusts(peer):
            return Sender(peer, scheme, host)
        chain, told_scheme, told_host = _told(headers)
        client = next((hop for hop in reversed(chain) if not self.trusts(hop)), None)
        return Sender(
            client or (chain[0] if chain else peer),
            told_scheme if told_scheme in (b"http", b"https") else scheme,
            told_host or host,
        )


def _told(headers: Headers) -> tuple[list[str], bytes | None, bytes | None]:
    """Addresses, scheme and host from Forwarded (RFC 7239) if it is there, else X-Forwarded-*."""
    if elements := _members(headers, b"forwarded"):
        pairs = [_pairs(element) for element in elements]
        chain = [_address(pair[b"for"]) for pair in pairs if b"for" in pair]
        last = pairs[-1]
        return [hop for hop in chain if hop], last.get(b"proto"), last.get(b"host")
    chain = [_address(member) for member in _members(headers, b"x-forwarded-for")]
    schemes = _members(headers, b"x-forwarded-proto")
    hosts = _members(headers, b"x-forwarded-host")
    return (
        [hop for hop in chain if hop],
        schemes[-1].lower() if schemes else None,
        hosts[-1] if hosts else None,
    )


def _members(headers: Headers, name: bytes) -> list[bytes]:
    return [member for line in values(headers, name) for member in list_members(line)]


def _pairs(element: bytes) -> dict[bytes, bytes]:
    """forwarded-pair = token "=" value, joined by ";" (RFC 7239 §4)."""
    found: dict[bytes, bytes] = {}
    for pair in element.split(b";"):
        name, _, value = pair.partition(b"=")
        found[name.strip().lower()] = value.strip().strip(b'"')
    return found


def _address(text: bytes) -> str:
    """An IP address without brackets and port; "" for what is none ("unknown", "_hidden")."""
    host = text.decode("latin-1").strip().strip('"')
    if host.startswith("["):
        host = host[1:].partition("]")[0]
    elif host.count(":") == 1:
        host = host.partition(":")[0]
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        return ""
