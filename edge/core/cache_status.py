"""Cache-Status (RFC 9211): what this cache did with a request, every parameter, truthfully."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import http_sf


class Forward(StrEnum):
    """Why a request went on to the origin (RFC 9211 §2.2)."""

    BYPASS = "bypass"
    METHOD = "method"
    URI_MISS = "uri-miss"
    VARY_MISS = "vary-miss"
    MISS = "miss"
    REQUEST = "request"
    STALE = "stale"
    PARTIAL = "partial"


@dataclass(frozen=True, slots=True)
class CacheStatus:
    """One cache's member of the field. Raises ValueError where the parameters contradict.

    `fwd_status`, `stored` and `collapsed` say what became of a forwarded request and mean nothing
    without `fwd` (RFC 9211 §2.3, §2.5, §2.6). `ttl` is whole seconds, negative when stale. `key`
    must not be given for anything private.
    """

    fwd: Forward | None = None
    fwd_status: int | None = None
    ttl: int | None = None
    stored: bool = False
    collapsed: bool = False
    key: bytes | None = None
    detail: str | None = None

    def __post_init__(self) -> None:
        if self.fwd is None and (self.fwd_status is not None or self.stored or self.collapsed):
            raise ValueError("fwd-status, stored and collapsed describe a forwarded request")

    @property
    def is_hit(self) -> bool:
        """Whether the request was satisfied without going forward."""
        return self.fwd is None

    def serialise(self, cache: str) -> bytes:
        """The member under that name, in the order of RFC 9211 §2."""
        parameters: dict[str, object] = {}
        if self.fwd is None:
            parameters["hit"] = True
        else:
            parameters["fwd"] = http_sf.Token(self.fwd)
            if self.fwd_status is not None:
                parameters["fwd-status"] = self.fwd_status
        if self.ttl is not None:
            parameters["ttl"] = self.ttl
        if self.stored:
            parameters["stored"] = True
        if self.collapsed:
            parameters["collapsed"] = True
        if self.key is not None:
            parameters["key"] = _printable(self.key)
        if self.detail is not None:
            parameters["detail"] = _token_or_string(self.detail)
        member: Any = (_token_or_string(cache), parameters)
        return http_sf.ser([member]).encode("ascii")


def _printable(key: bytes) -> str:
    """A String takes printable ASCII only; line feeds part dimensions in a key."""
    text = key.decode("latin-1")
    return "".join(char if " " <= char <= "~" else " " for char in text)


def _token_or_string(text: str) -> object:
    word = text.replace("-", "").replace("_", "")
    is_token = word.isascii() and word.isalnum() and text[0].isalpha()
    return http_sf.Token(text) if is_token else _printable(text.encode("latin-1", "replace"))


def hit(cache: bytes, ttl: int) -> bytes:
    """The member for a hit, without a library's help: this one is written on every hit.

    `cache` must be a token already (`serialise` copes with others).
    """
    return b"%s;hit;ttl=%d" % (cache, ttl)


def keyed(value: bytes, url: bytes) -> bytes:
    """The field, its last member saying which URL the key is that of (RFC 9211 §2.7)."""
    return b"%s;key=%s" % (value, http_sf.ser(_printable(url)).encode("ascii"))


def append(received: bytes | None, own: bytes) -> bytes:
    """The whole field: caches nearer the origin come first (RFC 9211 §2)."""
    return own if not received else received + b", " + own
