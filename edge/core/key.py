"""Cache keys: canonical and injective. Two requests share a key only if the origin sees the same.

What stands in the key is what is sent to the origin, byte for byte: canonicalising happens before
forwarding, never beside it. That closes cloaking by `//`, `/./`, `%2e`, letter case and the like:
the edge does not interpret a path, so it cannot interpret it otherwise than the origin.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

MAX_TARGET = 16 * 1024
MAX_HOST = 255

_DEFAULT_PORT = {b"http": b"80", b"https": b"443"}
# Reg-names as the DNS has them, plus "_" which container names use; RFC 3986 would allow more.
_NAME = rb"[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?(?:\.[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?)*"
_HOST = re.compile(
    rb"(?P<host>" + _NAME + rb"|\[[0-9a-f:.]+\])(?P<dot>\.?)(?::(?P<port>[0-9]{1,5}))?"
)
_CONTROL = re.compile(rb"[\x00-\x20\x7f#]")
_BEYOND_ASCII = re.compile(rb"[\x80-\xff]")
_PATTERN = re.compile(rb"(?:(?:\*\.)?" + _NAME + rb"|\[[0-9a-f:.]+\])(?::[0-9]{1,5})?|\*")


class BadTarget(ValueError):
    """The request names no host or resource that can be asked for; answer 400."""


def canonical_host(host: bytes, scheme: bytes) -> bytes:
    """The host in lower case without root dot and default port.

    Raises BadTarget for anything that is not a DNS name, an IPv4 address or a bracketed IPv6 one,
    each with an optional port (so no userinfo, no blanks, no second host).
    """
    match = _HOST.fullmatch(host.lower()) if len(host) <= MAX_HOST else None
    if match is None or (match["dot"] and match["host"].startswith(b"[")):
        raise BadTarget("the Host field does not name a host")
    port = match["port"]
    if port is None:
        return match["host"]
    if not 0 < int(port) < 65536:
        raise BadTarget("the Host field names a port that does not exist")
    port = b"%d" % int(port)
    return match["host"] if port == _DEFAULT_PORT.get(scheme) else match["host"] + b":" + port


def canonical_target(target: bytes) -> bytes:
    """The origin-form of a request target, bytes beyond ASCII percent-encoded.

    Raises BadTarget for a target that is not a path, holds a blank, a control byte or a "#", or
    is longer than MAX_TARGET. Nothing else is changed: dot segments, `//`, `%2f` and letter case
    are the origin's to interpret, and different keys here.
    """
    if not target.startswith(b"/"):
        raise BadTarget("the request target is not a path")
    if len(target) > MAX_TARGET:
        raise BadTarget(f"the request target is longer than {MAX_TARGET} bytes")
    if _CONTROL.search(target):
        raise BadTarget("the request target holds a blank, a control byte or a '#'")
    return _BEYOND_ASCII.sub(lambda match: b"%%%02X" % match.group()[0], target)


@dataclass(frozen=True, slots=True)
class HostPatterns:
    """The hosts that may be asked for: `example.com`, `*.example.com`, `*`; a port where given.

    A pattern without a port allows every port of the host. No pattern at all allows nothing.
    """

    exact: frozenset[bytes]
    suffixes: tuple[bytes, ...]
    allows_all: bool

    @classmethod
    def compile(cls, patterns: Iterable[str]) -> HostPatterns:
        """Raises ValueError naming the pattern that is none."""
        exact, suffixes, allows_all = set[bytes](), list[bytes](), False
        for pattern in patterns:
            raw = pattern.strip().lower().encode("idna" if not pattern.isascii() else "ascii")
            if not _PATTERN.fullmatch(raw):
                raise ValueError(
                    f"{pattern!r} is no host pattern; write example.com, *.example.com or *"
                )
            if raw == b"*":
                allows_all = True
            elif raw.startswith(b"*."):
                suffixes.append(raw[1:])
            else:
                exact.add(raw)
        return cls(frozenset(exact), tuple(suffixes), allows_all)

    def allow(self, host: bytes) -> bool:
        """Whether that canonical host matches a pattern."""
        if self.allows_all or host in self.exact:
            return True
        name = host if host.endswith(b"]") else re.sub(rb":[0-9]+\Z", b"", host)
        # `*.example.com` is every name below example.com and not example.com itself.
        return name in self.exact or any(
            name.endswith(suffix) or host.endswith(suffix) for suffix in self.suffixes
        )


def primary_key(
    scheme: bytes,
    host: bytes,
    target: bytes,
    dimensions: Sequence[tuple[bytes, bytes]] = (),
) -> bytes:
    """The key of a resource: its URI, then the values of the dimensions it is rendered by.

    All three parts must be canonical: then `://` and the first `/` part them, and no part can hold
    the line feed that ends the URI. GET and HEAD share the key; nothing else is stored.
    """
    uri = scheme + b"://" + host + target
    if not dimensions:
        return uri
    return uri + b"".join(
        b"\n%s=%d:%s" % (name, len(value), value) for name, value in sorted(dimensions)
    )


def uri_of(key: bytes) -> bytes:
    """The URI a primary or full key belongs to; what purges by URL and prefix compare."""
    return key.partition(b"\n")[0]
