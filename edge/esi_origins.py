"""Origins of their own for hosts of fragments, reached only where they may be.

A name is resolved for every request and each of its addresses must be public; the connection then
goes to the very address that was checked, so that a name cannot lead elsewhere a moment later. An
address that the configuration gives letter by letter is the operator's word and is not checked.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Awaitable, Callable
from dataclasses import replace

import httpx

from edge.fetch import Origin
from edge.settings import Settings
from edge.tally import Tally

Resolve = Callable[[str, int], Awaitable[list[str]]]


class GuardedTransport(httpx.AsyncBaseTransport):
    """Sends requests to names whose addresses are all public, by `inner`."""

    def __init__(self, inner: httpx.AsyncBaseTransport, resolve: Resolve | None = None) -> None:
        self._inner = inner
        self._resolve = resolve or _resolve

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Raises httpx.ConnectError for a name that leads where it must not."""
        name = request.url.host
        if not _is_address(name):
            port = request.url.port or (443 if request.url.scheme == "https" else 80)
            try:
                found = await self._resolve(name, port)
            except OSError as error:
                raise httpx.ConnectError(f"{name} has no address: {error}") from error
            request.url = request.url.copy_with(host=_public(name, found))
            request.extensions = {**request.extensions, "sni_hostname": name}
        return await self._inner.handle_async_request(request)

    async def aclose(self) -> None:
        """Close every connection."""
        await self._inner.aclose()


def build_origins(
    origins: dict[bytes, str], settings: Settings, tally: Tally, clock: Callable[[], float]
) -> dict[bytes, Origin]:
    """The origins by host. They get no proof: it is for the edge's own origin alone."""
    return {
        host: Origin(
            replace(settings, origin=address),
            None,
            tally,
            clock,
            GuardedTransport(httpx.AsyncHTTPTransport(trust_env=False)),
        )
        for host, address in origins.items()
    }


async def _resolve(name: str, port: int) -> list[str]:
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(name, port, type=socket.SOCK_STREAM)
    return [str(address[0]) for *_, address in found]


def _public(name: str, addresses: list[str]) -> str:
    """The first of the addresses. Raises httpx.ConnectError unless all of them are public."""
    for address in addresses:
        if not is_public(address):
            raise httpx.ConnectError(f"{name} resolves to {address}, which is not public")
    if not addresses:
        raise httpx.ConnectError(f"{name} has no address")
    return addresses[0]


def is_public(address: str) -> bool:
    """Whether the address is on the Internet: not private, local, reserved, or such a one in IPv6

    clothes (mapped, 6to4, Teredo, NAT64).
    """
    parsed = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(parsed, ipaddress.IPv6Address):
        inner = parsed.ipv4_mapped or parsed.sixtofour or (parsed.teredo or (None, None))[1]
        if inner is None and parsed in _NAT64:
            inner = ipaddress.IPv4Address(int(parsed) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(str(inner))
    return parsed.is_global and not parsed.is_multicast


_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
