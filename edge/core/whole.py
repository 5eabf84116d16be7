"""Pages that are the same bytes for everybody: a hit needs nothing but the shell.

So a million of them are answered as fast as a few.
"""

from __future__ import annotations

from edge.core.deflate import HEADER, end
from edge.core.negotiation import Offer, best
from edge.core.page_headers import timing, whole_tag
from edge.core.plan import Plan
from edge.core.prepared import PreparedShell
from edge.core.ready import ready_head


def whole_answer(shell: PreparedShell, offer: Offer, now: float) -> list[bytes]:
    """Head and body of the answer to a GET without conditions; what `edge.core.hit` says of it."""
    coding, body = _body(shell, offer)
    tag = whole_tag(shell) if shell.status == 200 else None
    return [ready_head(shell, coding, _TIMING, tag, sum(map(len, body)), now), *body]


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


_TIMING = timing(Plan(), is_hit=True)
