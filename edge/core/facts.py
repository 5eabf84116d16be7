"""What is kept of a stored response for the decisions on a hit."""

from __future__ import annotations

from dataclasses import dataclass

from edge.core.vary import NO_VARY, VaryRule


@dataclass(frozen=True, slots=True)
class Facts:
    """What a hit needs to know of a stored response. Times are seconds since the epoch.

    `born_at` is when its age was 0. It is fresh before `fresh_until`; stale it may be served while
    a refresh runs before `revalidate_until`, and in place of an error before `error_until`.
    `serves_authorized`: requests with Authorization may have it (RFC 9111 §3.5). `forbids_stale`:
    the origin rules out that it is ever served stale (§4.2.4).
    """

    status: int
    born_at: float
    fresh_until: float
    revalidate_until: float
    error_until: float
    etag: bytes | None = None
    last_modified: bytes | None = None
    modified_at: float | None = None
    vary: VaryRule = NO_VARY
    serves_authorized: bool = False
    forbids_stale: bool = False

    def age(self, now: float) -> int:
        """Current age in whole seconds (RFC 9111 §4.2.3)."""
        return max(0, int(now - self.born_at))

    def ttl(self, now: float) -> int:
        """Remaining freshness in whole seconds, negative when stale (RFC 9211 §2.4)."""
        return int(self.fresh_until - now)
