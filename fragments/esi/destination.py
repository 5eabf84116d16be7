"""Where an include may lead. Nothing but http(s) to the page's own host or one that is allowed.

The check is on the address as it will be used, after variables are in: what is compared is what is
fetched. Names that resolve to private addresses are the fetcher's to refuse, as it resolves them.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import quote, unquote, urljoin, urlsplit

from .errors import EsiError
from .limits import DEFAULT_LIMITS, Limits


class RefusedDestination(EsiError):
    """The include leads where it must not, or nowhere; it is not fetched."""


@dataclass(frozen=True, slots=True)
class Destination:
    """An absolute URL, canonical: lower-case host without default port, path and query encoded."""

    scheme: str
    host: str
    target: str

    @property
    def url(self) -> str:
        """The URL in one piece."""
        return f"{self.scheme}://{self.host}{self.target}"


def _nowhere(host: str) -> bool:
    return False


@dataclass(frozen=True, slots=True)
class DestinationGuard:
    """Decides about hosts other than the page's own.

    `allows(host)`: the allow-list, wildcards included; the host comes canonical, with its port if
    that is not the default. `lists(host)`: named there letter by letter, as an address must be.
    `refused_ports` (the admin port) and `refused_paths` (the edge's own endpoints) are refused
    on every host.
    """

    allows: Callable[[str], bool] = _nowhere
    lists: Callable[[str], bool] = _nowhere
    refused_ports: frozenset[int] = frozenset()
    refused_paths: tuple[str, ...] = ("/_twopass/",)

    def check(self, destination: Destination, page_host: str) -> None:
        """Raises RefusedDestination saying what would allow it."""
        host = destination.host
        if host != page_host:
            port = int(port_text) if (port_text := _split_port(host)[1]) else None
            if port in self.refused_ports:
                raise RefusedDestination(f"port {port} belongs to the edge's administration")
            if is_address(host) and not self.lists(host):
                raise RefusedDestination(f"{host} is an address; allow it by --esi-host {host}")
            if not self.allows(host):
                raise RefusedDestination(f"{host} is not allowed; allow it by --esi-host {host}")
        path = _plain_path(destination.target)
        if any(path.startswith(prefix) for prefix in self.refused_paths):
            raise RefusedDestination("the path belongs to the edge itself")


@lru_cache(maxsize=1024)
def _plain_path(target: str) -> str:
    """The path as the most obliging server would read it."""
    path = unquote(target.partition("?")[0]).replace("\\", "/")
    return "/" + posixpath.normpath(path).lstrip("/") + ("/" if path.endswith("/") else "")


_UNSAFE = re.compile(r"[\x00-\x1f\x7f]")
_HOST = re.compile(r"([a-z0-9_](?:[a-z0-9_.-]*[a-z0-9_])?|\[[0-9a-f:.]+\])\.?(?::([0-9]{1,5}))?")
_DEFAULT_PORTS = {"http": "80", "https": "443"}


# A page's includes are the same for every visitor, but for those that hold variables.
@lru_cache(maxsize=1024)
def resolve(reference: str, base: str, limits: Limits = DEFAULT_LIMITS) -> Destination:
    """The destination of `src` or `alt` in a document at `base`.

    Raises RefusedDestination for other schemes, userinfo, odd hosts, control characters (a line
    break would end the request line) and more than `limits.url` bytes.
    """
    if len(reference) > limits.url:
        raise RefusedDestination(f"an include's URL is longer than {limits.url} characters")
    if _UNSAFE.search(reference):
        raise RefusedDestination("an include's URL holds a control character")
    try:
        parts = urlsplit(urljoin(base, reference.strip(" ").replace("\\", "%5C")))
    except ValueError as error:
        raise RefusedDestination(f"an include's URL does not parse: {error}") from error
    if parts.scheme not in _DEFAULT_PORTS:
        raise RefusedDestination(f"includes are http or https, not {parts.scheme or 'nothing'!r}")
    host = _canonical_host(parts.netloc, parts.scheme)
    target = _encoded(parts.path or "/") + (f"?{_encoded(parts.query)}" if parts.query else "")
    return Destination(parts.scheme, host, target)


def _canonical_host(netloc: str, scheme: str) -> str:
    match = _HOST.fullmatch(netloc.lower())
    if match is None or ".." in match[1]:
        raise RefusedDestination(f"{netloc[:80]!r} names no host")
    host, port = match[1], match[2]
    if port is None or port == _DEFAULT_PORTS[scheme]:
        return host
    if not 0 < int(port) < 65536:
        raise RefusedDestination(f"port {port} does not exist")
    return f"{host}:{int(port)}"


def _encoded(part: str) -> str:
    """Spaces and what is beyond ASCII percent-encoded, all else as it stands."""
    return quote(part, safe="/?:@!$&'()*+,;=%-._~[]", errors="surrogateescape")


def _split_port(host: str) -> tuple[str, str]:
    name, colon, port = host.rpartition(":")
    return (name, port) if colon and not port.endswith("]") else (host, "")


def is_address(host: str) -> bool:
    """Whether the host is an IP address in any spelling that some resolver takes for one.

    A name whose last label is a number or starts with 0x is an address to the WHATWG URL parser
    and to inet_aton (`2130706433`, `0x7f.1`, `017700000001`); brackets hold IPv6.
    """
    name = _split_port(host)[0]
    last = name.rstrip(".").rpartition(".")[2]
    return name.startswith("[") or last.isdigit() or re.fullmatch(r"0x[0-9a-f]*", last) is not None
