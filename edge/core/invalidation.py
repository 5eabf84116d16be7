"""What a request to change something makes invalid, and the groups responses belong to.

RFC 9111 §4.4 (unsafe methods), RFC 9875 (cache groups), and the group fields of other caches.
"""

from __future__ import annotations

import re
from urllib.parse import urljoin, urlsplit

from edge.core.key import BadTarget, canonical_host, canonical_target
from edge.core.messages import SAFE_METHODS, Headers, RequestHead, ResponseHead, combined, values
from edge.core.structured import parse_list

# RFC 9875 §2 asks for at least 32 groups of 32 characters. More than MAX_GROUPS would make one
# object cost what ten thousand should; a response that goes beyond is not stored, since dropping
# groups would make a later purge miss it.
MAX_GROUPS = 256
MAX_GROUP_LENGTH = 256


class TooManyGroups(ValueError):
    """A response names more or longer groups than are kept; it must not be stored."""


def is_unsafe(method: bytes) -> bool:
    """Whether the method may change state; an unknown one is taken to (RFC 9110 §9.2.1)."""
    return method not in SAFE_METHODS


def invalidated_uris(request: RequestHead, response: ResponseHead) -> list[bytes]:
    """The URIs whose stored responses an unsafe request made invalid (RFC 9111 §4.4).

    The target URI, and Location and Content-Location where they have the same origin (another
    origin's could be named by an attacker). [] for safe methods and for errors.
    """
    if not is_unsafe(request.method) or not 200 <= response.status < 400:
        return []
    target = request.scheme + b"://" + request.host + request.target
    uris = [target]
    for name in (b"location", b"content-location"):
        for value in values(response.headers, name)[:1]:
            uri = _same_origin(value, request)
            if uri is not None and uri not in uris:
                uris.append(uri)
    return uris


def _same_origin(reference: bytes, request: RequestHead) -> bytes | None:
    """The reference resolved against the request's URI, canonical; None for another origin."""
    base = (request.scheme + b"://" + request.host + request.target).decode("ascii")
    try:
        parts = urlsplit(urljoin(base, reference.decode("ascii")))
        scheme = parts.scheme.encode()
        host = canonical_host(parts.netloc.encode(), scheme)
        path = parts.path.encode() or b"/"
        target = canonical_target(path + (b"?" + parts.query.encode() if parts.query else b""))
    except (BadTarget, ValueError):
        return None
    if (scheme, host) != (request.scheme, request.host):
        return None
    return scheme + b"://" + host + target


def groups(headers: Headers) -> frozenset[bytes]:
    """All groups a response belongs to, under whichever field it names them.

    Cache-Groups (RFC 9875, a List of Strings), Surrogate-Key and xkey (parted by blanks),
    Cache-Tag (parted by commas). Raises TooManyGroups beyond MAX_GROUPS or MAX_GROUP_LENGTH.
    """
    found = set(_strings(headers, b"cache-groups"))
    found.update(_words(headers, b"surrogate-key", rb"[ \t]+"))
    found.update(_words(headers, b"xkey", rb"[ \t,]+"))
    found.update(_words(headers, b"cache-tag", rb"[ \t]*,[ \t]*"))
    if len(found) > MAX_GROUPS:
        raise TooManyGroups(f"a response names {len(found)} groups; at most {MAX_GROUPS} are kept")
    if any(len(name) > MAX_GROUP_LENGTH for name in found):
        raise TooManyGroups(f"a response names a group longer than {MAX_GROUP_LENGTH} bytes")
    return frozenset(found)


GROUP_FIELDS = frozenset(
    {b"cache-groups", b"cache-group-invalidation", b"surrogate-key", b"xkey", b"cache-tag"}
)


def invalidated_groups(request: RequestHead, response: ResponseHead) -> frozenset[bytes]:
    """The groups of this origin (scheme, host, port) that the response makes invalid.

    RFC 9875 §3: Cache-Group-Invalidation counts only on answers to unsafe methods; as in
    RFC 9111 §4.4 an error changed nothing. Raises TooManyGroups.
    """
    if not is_unsafe(request.method) or not 200 <= response.status < 400:
        return frozenset()
    names = frozenset(_strings(response.headers, b"cache-group-invalidation"))
    if len(names) > MAX_GROUPS:
        raise TooManyGroups(f"a response invalidates {len(names)} groups; at most {MAX_GROUPS}")
    return names


def _strings(headers: Headers, name: bytes) -> list[bytes]:
    """A List of Strings; [] when it does not parse or holds anything else (RFC 9875 §2)."""
    value = combined(headers, name)
    members = parse_list(value) if value else None
    strings = [member.string for member in members or ()]
    if None in strings:
        return []
    return [string.encode("ascii") for string in strings if string]


def _words(headers: Headers, name: bytes, separator: bytes) -> list[bytes]:
    lines = values(headers, name)
    return [word for line in lines for word in re.split(separator, line) if word]
