"""What is said on every hit on a page, made ready with its shell."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

from edge.core.cache_status import hit
from edge.core.messages import is_wire_safe
from edge.core.outbound import VIA
from edge.core.page_headers import CACHE, page_fields
from edge.core.plan import Plan
from edge.core.prepared import PreparedShell
from edge.core.status_line import status_line
from edge.core.stored import BODILESS
from fragments.signing import Keyring

_OBJECT = 33
"""Bytes that a lead takes beside its content."""


def made_ready(shell: PreparedShell, keyring: Keyring) -> PreparedShell:
    """`shell` with what its hits say, if they all say the same and a server may send it."""
    if shell.gate or shell.filled_fields or shell.status in BODILESS:
        return shell
    if not is_wire_safe(shell.fields):
        return shell
    before = _one.cache_info().misses
    dated, *fields = page_fields(shell, Plan(), b"", b"", ())
    assert dated[0] == b"date"
    lead = _one(b"".join(b"%b: %b\r\n" % field for field in fields))
    digest = shell.digest
    if shell.is_whole:
        digest = keyring.digest("etag", digest)[: len(digest)]
    # who is the first with a lead pays for it
    own = len(lead) + _OBJECT if _one.cache_info().misses != before else 0
    return replace(shell, lead=lead, digest=digest, size=shell.size + own)


def ready_head(
    shell: PreparedShell, coding: bytes | None, timing: bytes, tag: bytes | None, size: int,
    now: float,
) -> bytes:  # fmt: skip
    """The head of a hit that sets no cookie: what `page_fields` and `status_fields` say of it."""
    expiry = shell.expiry
    return _HEAD % (
        status_line(shell.status),
        shell.fields[0][1],
        shell.lead,
        b"" if coding is None else b"content-encoding: %b\r\n" % coding,
        hit(CACHE, expiry.ttl(now)),
        expiry.age(now),
        timing,
        b"" if tag is None else b"etag: %b\r\n" % tag,
        size,
    )


_HEAD = (
    b"%%bdate: %%b\r\n%%b%%bcache-status: %%b\r\nvia: %b\r\nage: %%d\r\nserver-timing: %%b\r\n"
    b"%%bcontent-length: %%d\r\n\r\n" % VIA
)


@lru_cache(maxsize=1024)
def _one(lead: bytes) -> bytes:
    """The same one for all pages that say the same."""
    return lead
