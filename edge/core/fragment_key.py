"""The keys of fragments: who may be shown the same bytes.

A key has three parts. `base`: the signed include, scheme and host, the dimension values it
declares. `owner`: empty for public ones, `NOBODY`, or the visitor's identity. `read`: the values
of whatever its frames said they read, learned as with Vary.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from edge.core.visitor import Visitor
from fragments.bundle import Reads
from fragments.shell import FragmentHole, Scope

FragmentKey = tuple[bytes, bytes, bytes]

PUBLIC = b""
NOBODY = b"nobody"
"""The owner shared by all visitors from whom the fragment could read nothing."""

MAX_READS = 32
"""Cookies, and headers, that a fragment may read and still be held; Varnish users stay below 10."""

_STRICTNESS: Mapping[Scope, int] = {"public": 0, "private": 1, "no-store": 2}


@dataclass(frozen=True, slots=True)
class KnownReads:
    """What the frames of one fragment read so far, over all visitors; it only grows.

    Growing makes older entries unreachable instead of wrong. `has_csrf`: a frame held a token.
    """

    cookies: tuple[str, ...] = ()
    headers: tuple[str, ...] = ()
    url: bool = False
    has_csrf: bool = False

    def widened(self, reads: Reads, has_csrf: bool) -> KnownReads:
        """These and what one more frame read."""
        if (
            set(reads.cookies) <= set(self.cookies)
            and {name.lower() for name in reads.headers} <= set(self.headers)
            and self.url >= reads.url
            and self.has_csrf >= has_csrf
        ):
            return self
        return KnownReads(
            tuple(sorted({*self.cookies, *reads.cookies})),
            tuple(sorted({*self.headers, *(name.lower() for name in reads.headers)})),
            self.url or reads.url,
            self.has_csrf or has_csrf,
        )

    @property
    def is_bounded(self) -> bool:
        """Whether so little was read that holding the fragment makes sense."""
        return len(self.cookies) <= MAX_READS and len(self.headers) <= MAX_READS


_NOTHING_READ = KnownReads()


@dataclass(frozen=True, slots=True)
class Visit:
    """One visitor on one page: all that a fragment's key can depend on.

    `site`: scheme and host; `url`: the page as asked for; `values`: of every dimension known;
    `identity`: owner of private fragments; `dimension_cookies`: cookie by dimension, which carry
    reduced values to the origin; `harmless`: cookies that tell nobody apart unless a fragment reads
    them (the dimensions' and the CSRF cookie).
    """

    site: bytes
    url: bytes
    visitor: Visitor
    values: Mapping[str, str]
    identity: bytes
    dimension_cookies: Mapping[str, str] = field(default_factory=dict)
    harmless: frozenset[str] = frozenset()

    def base(self, hole: FragmentHole) -> bytes:
        """The part of the key that no visitor's own request changes."""
        parts = [hole.token, b" ", self.site]
        if hole.dimensions:
            parts += (
                b"\n%s=%s" % (name.encode(), self.values.get(name, "").encode())
                for name in sorted(hole.dimensions)
            )
        return b"".join(parts)

    def is_nobody(self, hole: FragmentHole, reads: KnownReads | None) -> bool:
        """Whether the fragment could read nothing that tells this visitor from others.

        Before the first frame has said what it reads, any cookie might be it. What may write is
        written for somebody: a session that it begins must reach this visitor, and no other.
        """
        visitor = self.visitor
        if visitor.session is not None or hole.writes:
            return False
        if visitor.has_any(hole.cookies) or visitor.has_any(hole.when_cookies):
            return False
        if reads is None:
            return not (visitor.cookies.keys() - self.harmless)
        return not visitor.has_any(self._undeclared(hole, reads))

    def key(
        self, hole: FragmentHole, reads: KnownReads | None, base: bytes | None = None
    ) -> FragmentKey:
        """The key under which this visitor would find the fragment; `base` where it is known."""
        base, found = self.base(hole) if base is None else base, reads or _NOTHING_READ
        own = self._undeclared(hole, found)
        # A public fragment that reads a cookie or a header nobody declared is none.
        if hole.scope == "public" and not own and not found.headers:
            return base, PUBLIC, self._read(KnownReads(url=found.url), ())
        if self.is_nobody(hole, reads):
            return self.nobodys_key(hole, found)
        if not (own or hole.cookies or hole.when_cookies or found.headers or found.url):
            return base, self.identity, b""
        names = {*hole.cookies, *hole.when_cookies, *own} - {self.visitor.session_cookie}
        return base, self.identity, self._read(found, sorted(names))

    def nobodys_key(self, hole: FragmentHole, reads: KnownReads) -> FragmentKey:
        """The key of what was rendered from a stripped request: only the URL was there to read."""
        return self.base(hole), NOBODY, self._read(KnownReads(url=reads.url), ())

    def _undeclared(self, hole: FragmentHole, reads: KnownReads) -> set[str]:
        if not reads.cookies:
            return set()
        declared = {self.dimension_cookies.get(name) for name in hole.dimensions}
        return {name for name in reads.cookies if name not in declared}

    def _read(self, reads: KnownReads, cookies: Iterable[str]) -> bytes:
        parts = [_pair(name.encode(), _value(self.visitor.cookies.get(name))) for name in cookies]
        parts += [_pair(name.encode(), self.visitor.header(name)) for name in reads.headers]
        if reads.url:
            parts.append(_pair(b":url", self.url))
        return b"\n".join(parts)


def strictest(declared: Scope, told: Scope) -> Scope:
    """The scope that holds when hole and frame disagree."""
    return max(declared, told, key=_STRICTNESS.__getitem__)


def _value(text: str | None) -> bytes | None:
    return None if text is None else text.encode("latin-1")


def _pair(name: bytes, value: bytes | None) -> bytes:
    """Unambiguous: absent differs from empty, and no value can imitate another pair."""
    return name + b"-" if value is None else b"%s=%d:%s" % (name, len(value), value)
