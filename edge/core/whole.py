"""Pages that are the same bytes for everybody: what a hit says is made ready with the shell.

So a hit needs nothing but the shell, and a million of them are answered as fast as a few.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

from edge.core.cache_status import hit
from edge.core.deflate import HEADER, end
from edge.core.messages import is_wire_safe
from edge.core.negotiation import Offer, best
from edge.core.outbound import VIA
from edge.core.page_headers import CACHE, page_fields, timing, whole_tag
from edge.core.plan import Plan
from edge.core.prepared import PreparedShell
from edge.core.status_line import status_line
from edge.core.stored import BODILESS
from fragments.signing import Keyring

_NO_HOLES = Plan()
_OBJECT = 33
"""Bytes that a lead takes beside its content."""


def made_ready(shell: PreparedShell, keyring: Keyring) -> PreparedShell:
    """`shell` with what its responses say, if they are all the same and a server may send them."""
    if not shell.is_whole or shell.filled_fields or shell.status in BODILESS:
        return shell
    if not is_wire_safe(shell.fields):
        return shell
    before = _one.cache_info().misses
    dated, *fields = page_fields(shell, _NO_HOLES, b"", b"", ())
    lead = _one(b"".join(b"%b: %b\r\n" % field for field in fields))
    assert dated[0] == b"date"
    digest = keyring.digest("etag", shell.digest)[: len(shell.digest)]
    # who is the first with a lead pays for it
    own = len(lead) + _OBJECT if _one.cache_info().misses != before else 0
    return replace(shell, lead=lead, digest=digest, size=shell.size + own)


def whole_answer(shell: PreparedShell, offer: Offer, now: float) -> list[bytes]:
    """Head and body of the answer to a GET without conditions; what `edge.core.hit` says of it."""
    coding, body = _body(shell, offer)
    expiry = shell.expiry
    head = b"%bdate: %b\r\n%b%bcache-status: %b\r\n%bage: %d\r\n%b%bcontent-length: %d\r\n\r\n" % (
        status_line(shell.status),
        shell.fields[0][1],
        shell.lead,
        b"" if coding is None else b"content-encoding: %b\r\n" % coding,
        hit(CACHE, expiry.ttl(now)),
        _VIA,
        expiry.age(now),
        _TIMING,
        b"etag: %b\r\n" % whole_tag(shell) if shell.status == 200 else b"",
        sum(map(len, body)),
    )
    return [head, *body]


def coding_of(shell: PreparedShell, offer: Offer) -> bytes | None:
    """That of the body for who takes `offer`; None: as it is."""
    if not offer:
        return None
    if not shell.codings:  # most pages, before somebody asks again
        return b"gzip" if shell.blocks is not None and b"gzip" in offer else None
    return best(offer, shell.to_be_had)


def _body(shell: PreparedShell, offer: Offer) -> tuple[bytes | None, tuple[bytes, ...]]:
    coding = coding_of(shell, offer)
    if coding is None:
        return None, shell.body  # type: ignore[return-value]  # there is no hole in it
    if coding != b"gzip":
        return coding, (shell.made[coding],)
    assert shell.blocks is not None
    (text,), (block,) = shell.body, shell.blocks  # literals without a hole between them are one
    assert isinstance(text, bytes)
    assert block is not None
    return coding, (HEADER, block.wire, end(block.crc, len(text)))


@lru_cache(maxsize=1024)
def _one(lead: bytes) -> bytes:
    """The same one for all pages that say the same."""
    return lead


_VIA = b"via: %b\r\n" % VIA
_TIMING = b"server-timing: %b\r\n" % timing(_NO_HOLES, is_hit=True)
