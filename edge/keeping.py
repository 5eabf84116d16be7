"""What becomes of a frame: whom it may be shown to, whether it is held, for whom and how long."""

from __future__ import annotations

from dataclasses import replace

from edge.bundle import Arrived, BundleHead
from edge.core import cookies
from edge.core.fragment_key import NOBODY, PUBLIC, FragmentKey, KnownReads, strictest
from edge.core.plan import Ask
from edge.core.prepared import Expiry, prepare_fragment
from edge.core.purge import Labels
from edge.edge import Edge
from edge.seat import Seat
from fragments.bundle import Frame
from fragments.csrf import CsrfHole
from fragments.shell import FragmentHole


class Keeper:
    """Takes the frames of one bundle, which was asked for at position `since`.

    `impersonal`: it was rendered from a stripped request, so it holds nothing of this visitor.
    """

    def __init__(self, edge: Edge, seat: Seat, since: int, *, impersonal: bool) -> None:
        self._edge = edge
        self._seat = seat
        self._since = since
        self._impersonal = impersonal

    def keep(self, ask: Ask, frame: Frame, head: BundleHead) -> Arrived:
        """Hold the fragment where that is allowed, and say whether this visitor may see it."""
        hole = replace(ask.hole, scope=strictest(ask.hole.scope, frame.scope))
        reads = self._learn(hole, frame)
        key = self._key(hole, reads, frame, head)
        is_private = key is None or key[1] not in (PUBLIC, NOBODY)
        now = self._edge.clock()
        fragment = prepare_fragment(
            frame.body,
            self._labels(frame, head, is_private),
            self._expiry(frame, head, is_private, now),
            compress="gzip" in self._edge.settings.encodings and not is_private,
        )
        if key is not None:
            account = self._seat.account or b""
            kept = self._edge.memory.keep_fragment(key, account, fragment, self._since, now)
            kind = "private" if is_private else "shared"
            self._edge.tally.stored.add(kind, "stored" if kept else "refused")
        return Arrived(key, fragment, self._fits(ask.hole, reads, key))

    def _learn(self, hole: FragmentHole, frame: Frame) -> KnownReads:
        known = self._edge.memory.reads
        base = self._seat.visit.base(hole)
        before = known.get(base)
        has_csrf = any(isinstance(part, CsrfHole) for part in frame.body)
        reads = (before or KnownReads()).widened(frame.reads, has_csrf)
        if reads is not before and reads.is_bounded:
            known.set(base, reads)
        return reads

    def _key(
        self, hole: FragmentHole, reads: KnownReads, frame: Frame, head: BundleHead
    ) -> FragmentKey | None:
        """Where the frame belongs; None where it may not be held at all."""
        if hole.scope == "no-store" or frame.wrote or not reads.is_bounded:
            return None
        key = self._seat.visit.key(hole, reads)
        if key[1] == PUBLIC:
            return key
        if self._impersonal:
            return self._seat.visit.nobodys_key(hole, reads)
        if key[1] == NOBODY:
            return None  # rendered from this visitor's own request: not for all the others
        return key if self._may_hold_private(head) else None

    def _may_hold_private(self, head: BundleHead) -> bool:
        """A forged or lost session holds nothing; one that is being replaced is over."""
        if self._seat.account is None or head.head.session == "unknown":
            return False
        set_cookies = [(b"set-cookie", value) for value in head.set_cookies]
        return self._seat.visit.visitor.session_cookie not in cookies.names_set(set_cookies)

    def _fits(self, hole: FragmentHole, reads: KnownReads, key: FragmentKey | None) -> bool:
        if not self._impersonal or (key is not None and key[1] == PUBLIC):
            return True
        return self._seat.visit.is_nobody(hole, reads)

    def _labels(self, frame: Frame, head: BundleHead, is_private: bool) -> Labels:
        groups = (*frame.groups, *head.head.groups) if is_private else frame.groups
        return Labels(self._seat.label if frame.reads.url else "", tuple(dict.fromkeys(groups)))

    def _expiry(self, frame: Frame, head: BundleHead, is_private: bool, now: float) -> Expiry:
        settings = self._edge.settings
        if not is_private:
            if_error = max(frame.stale_if_error, settings.fragment_last_good)
            return Expiry.starting(now, frame.max_age, frame.stale_while_revalidate, if_error)
        # Never past the session, and a last good copy of something private is soon a wrong one.
        session = head.head.session_age if head.head.session_age is not None else float("inf")
        max_age = min(frame.max_age, settings.private_max_age, session)
        left = max(0.0, session - max_age)
        return Expiry.starting(
            now,
            max_age,
            min(frame.stale_while_revalidate, settings.private_last_good, left),
            min(settings.private_last_good, left),
        )
