"""Shells and fragments as they lie in the store: all that a hit needs, worked out beforehand."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache

from edge.core import dates
from edge.core.deflate import Block, block, blocks_size
from edge.core.messages import HOP_BY_HOP, Field, combined, first, has, with_vary
from edge.core.purge import Labels
from edge.core.shared import shared_fields
from fragments.bundle import FramePart
from fragments.csrf import CsrfHole
from fragments.headers import INTERNAL_PREFIX
from fragments.shell import FragmentHole, NonceHole, Part, Shell

OVERHEAD = 864
"""Bytes that any object is taken to cost beside its content: Python objects, places in the store's
tables where these are just filled to the least. A test holds it to what is really used."""

GROUP_OVERHEAD = 128
"""Bytes that each of its groups costs beside its name: that one's head, and a place in the index
for it alone, or in the table of those that share the group, where that has just grown."""

SOFT_WINDOW = 30.0
"""Seconds that a softly purged object may still be shown while it is refreshed."""

_NEVER_OUT = HOP_BY_HOP | {
    b"age",
    b"cache-status",
    b"content-length",
    b"date",
    b"etag",
    b"last-modified",
    b"set-cookie",
}


@dataclass(frozen=True, slots=True)
class Expiry:
    """When a stored thing ages; seconds since the epoch. It is fresh before `fresh_until`.

    Stale it may be shown while it is refreshed before `refresh_until`, and instead of an error
    before `error_until`.
    """

    born_at: float
    fresh_until: float
    refresh_until: float
    error_until: float

    @classmethod
    def starting(cls, now: float, max_age: float, refresh: float, error: float) -> Expiry:
        """For something made now, with its lifetime and stale windows in seconds."""
        fresh = now + max_age
        # most have no stale windows, and one number serves for all three
        refresh_until = fresh + refresh if refresh > 0 else fresh
        error_until = fresh + error if error > max(refresh, 0) else refresh_until
        return cls(now, fresh, refresh_until, error_until)

    @property
    def drop_at(self) -> float:
        """When it is of no more use."""
        return max(self.refresh_until, self.error_until)

    def is_fresh(self, now: float) -> bool:
        """Whether it may be used as it is."""
        return now < self.fresh_until

    def may_refresh(self, now: float) -> bool:
        """Whether it may be shown while it is refreshed (RFC 5861 §3)."""
        return now < self.refresh_until

    def may_replace_error(self, now: float) -> bool:
        """Whether it may be shown where the origin fails (RFC 5861 §4)."""
        return now < self.error_until

    def age(self, now: float) -> int:
        """Whole seconds since it was made."""
        return max(0, int(now - self.born_at))

    def ttl(self, now: float) -> int:
        """Whole seconds of freshness left, negative when stale (RFC 9211 §2.4)."""
        return int(self.fresh_until - now)

    def softened(self, now: float) -> Expiry:
        """Stale from now on, its stale windows counted from here; shown for a moment in any case,

        while it is refreshed or if that fails.
        """
        fresh, least = min(self.fresh_until, now), now + SOFT_WINDOW
        return Expiry(
            self.born_at,
            fresh,
            max(fresh + self.refresh_until - self.fresh_until, least),
            max(fresh + self.error_until - self.fresh_until, least),
        )


@dataclass(frozen=True, slots=True)
class PreparedShell:
    """A shell in the store. `fields` are ready to send, `filled_fields` hold holes; of `holes`
    each appears once, in document order. `digest` covers everything that is sent of it. `blocks`
    are the deflated literals of `body`, None in place of holes; None where it is not compressed.
    `is_codable`: compressing it gains something and is allowed. `codings` are whole bodies by name,
    empty where the page is no smaller so.
    """

    labels: Labels
    expiry: Expiry
    status: int
    fields: tuple[Field, ...]
    filled_fields: tuple[tuple[bytes, tuple[Part, ...]], ...]
    body: tuple[Part, ...]
    holes: tuple[FragmentHole, ...]
    has_csrf: bool
    has_nonce: bool
    gate: bool
    shell: Shell = field(repr=False)
    """What else the origin said of it: release, dimensions and their values."""
    digest: bytes = b""
    size: int = 0
    blocks: tuple[Block | None, ...] | None = field(default=None, repr=False)
    is_codable: bool = False
    codings: tuple[tuple[bytes, bytes], ...] = field(default=(), repr=False)
    lead: bytes = field(default=b"", repr=False)
    """The fields between Date and those of each hit, if all that set no cookie say the same.

    A page that is whole has the `digest` of its entity tag then."""

    @property
    def made(self) -> dict[bytes, bytes]:
        """The whole body in the codings that there are beside gzip, by name."""
        return dict(self.codings)

    @property
    def to_be_had(self) -> frozenset[bytes]:
        """The codings in which the page can be sent."""
        whole = {name for name, body in self.codings if body}
        return frozenset(whole if self.blocks is None else {b"gzip", *whole})

    @property
    def is_whole(self) -> bool:
        """Whether the page is the same bytes for everybody who has these dimension values."""
        return not (self.holes or self.has_csrf or self.has_nonce or self.gate)

    def softened(self, now: float) -> PreparedShell:
        """The same, stale from now on."""
        return replace(self, expiry=self.expiry.softened(now))


@dataclass(frozen=True, slots=True)
class PreparedFragment:
    """A fragment in the store. `plain` are its bytes where they are the same for every response.

    `blocks` are the deflated literals of `parts` where it may be compressed: nobody's secrets.
    """

    labels: Labels
    expiry: Expiry
    parts: tuple[FramePart, ...]
    plain: bytes | None
    has_csrf: bool
    has_nonce: bool
    digest: bytes
    size: int
    blocks: tuple[Block | None, ...] | None = field(default=None, repr=False)

    def softened(self, now: float) -> PreparedFragment:
        """The same, stale from now on."""
        return replace(self, expiry=self.expiry.softened(now))


def prepare_shell(
    shell: Shell, url: str, now: float, *, encodings: Sequence[str] = ()
) -> PreparedShell:
    """Work out what hits on `shell` need. `url`: the page's label; `now`: when it was asked for.

    `encodings`: make it ready for visitors who take these, where its kind gains by it.
    """
    body = _merged(shell.body)
    fields: list[Field] = [(b"date", dates.format_http_date(now))]
    filled: list[tuple[bytes, tuple[Part, ...]]] = []
    for text, parts in shell.headers:
        name = text.lower().encode("latin-1")
        if not is_sendable(name) or name in _NEVER_OUT:
            continue
        merged = _merged(parts)
        literals = [part for part in merged if isinstance(part, bytes)]
        if len(literals) == len(merged):
            fields.append((name, safe_value(b"".join(literals))))
        else:
            filled.append((name, merged))
    holes = shell.holes()
    digest = _digest(body, [*fields[1:], *filled])
    is_codable = bool(encodings) and _is_compressible(fields, body)
    blocks = _blocks(body) if is_codable and "gzip" in encodings else None
    if blocks is not None or (is_codable and not holes and not shell.gate):
        fields = with_vary(fields, [b"accept-encoding"])
    kept, fields_size = shared_fields(fields)
    return PreparedShell(
        labels=Labels(url, shell.groups),
        expiry=Expiry.starting(
            now, shell.max_age, shell.stale_while_revalidate, shell.stale_if_error
        ),
        status=shell.status,
        fields=kept,
        filled_fields=tuple(filled),
        body=body,
        holes=tuple(hole for hole in holes if isinstance(hole, FragmentHole)),
        has_csrf=any(isinstance(hole, CsrfHole) for hole in holes),
        has_nonce=any(isinstance(hole, NonceHole) for hole in holes),
        gate=shell.gate,
        shell=_kind(
            Shell(
                shell.status,
                (),
                (),
                0.0,
                dimensions=shell.dimensions,
                values=shell.values,
                query=shell.query,
                gate=shell.gate,
                release=shell.release,
            )
        ),
        digest=digest,
        size=OVERHEAD
        + fields_size
        + len(url)
        + label_size(shell.groups)
        + _length(body)
        + sum(len(name) + 128 + _length(parts) for name, parts in filled)
        + blocks_size(blocks or ()),
        blocks=blocks,
        is_codable=is_codable,
    )


def label_size(groups: Iterable[str]) -> int:
    """Bytes that it costs to be in these groups."""
    return sum(len(group) + GROUP_OVERHEAD for group in groups)


def prepare_fragment(
    parts: tuple[FramePart, ...], labels: Labels, expiry: Expiry, *, compress: bool = False
) -> PreparedFragment:
    """Work out what showing this fragment needs. `compress`: it is for all, and may be deflated."""
    plain = b"".join(part for part in parts if isinstance(part, bytes))
    has_csrf = any(isinstance(part, CsrfHole) for part in parts)
    has_nonce = any(isinstance(part, NonceHole) for part in parts)
    blocks = _blocks(parts) if compress else None
    return PreparedFragment(
        labels=labels,
        expiry=expiry,
        parts=parts,
        plain=None if has_csrf or has_nonce else plain,
        has_csrf=has_csrf,
        has_nonce=has_nonce,
        digest=_digest(parts, ()),
        size=OVERHEAD
        + len(plain)
        + 64 * len(parts)
        + label_size(labels.groups)
        + blocks_size(blocks or ()),
        blocks=blocks,
    )


@lru_cache(maxsize=1024)
def _kind(shell: Shell) -> Shell:
    """The same one for all pages that differ in nothing but their bytes, times and groups."""
    return shell


_TEXT = re.compile(
    rb"text/|application/(?:json|javascript|xml|manifest\+json)|[a-z.]+/[a-z0-9.-]+\+(?:xml|json)",
    re.IGNORECASE,
)
MIN_COMPRESSED = 256
"""Bytes below which a page fits into the packet that its head is in anyway."""


def _is_compressible(fields: Sequence[Field], body: Sequence[Part]) -> bool:
    """Whether compressing gains anything, and nothing forbids it (RFC 9110 §7.7)."""
    control = (combined(fields, b"cache-control") or b"").lower()
    if has(fields, b"content-encoding") or b"no-transform" in control:
        return False
    if not _TEXT.match(first(fields, b"content-type") or b""):
        return False
    return sum(len(part) for part in body if isinstance(part, bytes)) >= MIN_COMPRESSED


def _blocks(parts: Sequence[Part]) -> tuple[Block | None, ...]:
    return tuple(block(part) if isinstance(part, bytes) else None for part in parts)


def is_sendable(name: bytes) -> bool:
    """Whether a field may leave the edge at all: ours and surrogates' internal ones may not."""
    return not (name.startswith((INTERNAL_PREFIX.encode(), b"surrogate-")) or name in HOP_BY_HOP)


def safe_value(value: bytes) -> bytes:
    """A field value that cannot end its line: a page's headers can hold text of its own making."""
    return value.translate(None, b"\r\n\0").strip(b" \t")


def _merged(parts: Sequence[Part]) -> tuple[Part, ...]:
    """Neighbouring literals made one."""
    found: list[Part] = []
    for part in parts:
        if isinstance(part, bytes) and found and isinstance(last := found[-1], bytes):
            found[-1] = last + part
        elif part != b"":
            found.append(part)
    return tuple(found)


def _length(parts: Iterable[Part]) -> int:
    return sum(
        len(part) + 33
        if isinstance(part, bytes)
        else 512 + len(part.token) + len(part.placeholder)
        if isinstance(part, FragmentHole)
        else 16
        for part in parts
    )


def _digest(parts: Iterable[object], fields: Iterable[object]) -> bytes:
    """SHA-256, as much as a tag shows of it, over the parts.

    Each stands behind its kind and length, so that no two lists share one.
    """
    digest = hashlib.sha256()
    for part in (*parts, *fields):
        data = part if isinstance(part, bytes) else repr(part).encode()
        digest.update(b"%s%d:" % (b"l" if isinstance(part, bytes) else b"h", len(data)))
        digest.update(data)
    return digest.digest()[:18]
