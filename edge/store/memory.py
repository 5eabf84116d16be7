"""All that one worker remembers: shells, fragments, what pages are, and the fence before them."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import replace

from edge.core.fragment_key import NOBODY, PUBLIC, FragmentKey, KnownReads
from edge.core.key import uri_of
from edge.core.lsn import later
from edge.core.page_key import findable
from edge.core.prepared import OVERHEAD, PreparedFragment, PreparedShell
from edge.core.purge import Fence, Invalidation, Labels
from edge.core.site import PageRecord
from edge.core.steps import Page
from edge.core.stored import URI_GROUP, StoredResponse, uri_group
from edge.core.visits import Visits
from edge.settings import Settings
from edge.store.bounded import BoundedMap
from edge.store.changes import Changes
from edge.store.labelled import LabelledStore
from edge.store.private import PrivateStore
from edge.store.variants import VariantStore

MAX_RECORDS = 100_000
"""Paths whose pages are known, and URLs known to be no two-pass pages; some 30 MiB at most."""

LSN_MEMORY = 3600.0
"""Seconds for which first passes ask for the position of the last purge: replicas that lag more
are out of service long before."""


class Memory:
    """The stores of one worker and what keeps them right under invalidation."""

    def __init__(self, settings: Settings) -> None:
        self._object_limit = settings.object_bytes
        # of what is not private, pages get a half, plain responses and fragments a quarter each
        quarter = max(settings.store_bytes // 4, 1)
        self.changes = changes = Changes()
        """Moves whenever anything here does, so that what rests on it all is checked no oftener."""
        self.shells: LabelledStore[bytes, PreparedShell] = LabelledStore(2 * quarter, changes)
        self.responses = VariantStore(quarter, changes)
        self.shared: LabelledStore[FragmentKey, PreparedFragment] = LabelledStore(quarter, changes)
        self.private = PrivateStore(
            settings.private_bytes, settings.private_bytes_per_visitor, changes
        )
        self._stores = (self.shells, self.responses, self.shared, self.private)
        self.fence = Fence()
        self.generation = 0
        """Who asks after a purge must not join a fetch that began before: this parts them.

        Unsafe requests, each of which makes one plain response invalid, do not count: visitors who
        fill their baskets would part all others' fetches of slow pages.
        """
        self.records: BoundedMap[bytes, PageRecord] = BoundedMap(MAX_RECORDS, changes)
        self.marks: BoundedMap[Hashable, str] = BoundedMap(MAX_RECORDS, changes)
        """Hit-for-pass: URLs and pages that are not asked for shells for a while, and why."""
        self.pauses: BoundedMap[bytes, bool] = BoundedMap(MAX_RECORDS)
        """Pages whose last fetch failed a moment ago."""
        self.shared_lately: BoundedMap[bytes, bool] = BoundedMap(MAX_RECORDS)
        """Plain resources whose last answer was one for all: who wants them may wait together."""
        self.reads: BoundedMap[bytes, KnownReads] = BoundedMap(MAX_RECORDS, changes)
        self.visits = Visits(self._visits_dropped)
        """Of what is or was stored; no purge touches it."""
        self._min_lsn: tuple[str, float] | None = None

    @property
    def position(self) -> int:
        """How many invalidations were applied."""
        return self.fence.position

    def apply(self, invalidation: Invalidation, now: float) -> int:
        """Drop what `invalidation` names, and keep older fills out; how many objects."""
        invalidation = findable(invalidation)
        self.fence.advance(invalidation)
        found = sum(store.invalidate(invalidation, now) for store in self._stores)
        if not _concerns_one_response(invalidation):
            self.generation += 1
        if invalidation.everything or invalidation.urls or invalidation.prefixes:
            self.marks.clear()
            self.pauses.clear()
        if invalidation.everything:
            self.records.clear()
        lsn = later(self.min_lsn(now), invalidation.lsn)
        if lsn is not None and invalidation.lsn is not None:
            self._min_lsn = (lsn, now + LSN_MEMORY)
        return found

    def min_lsn(self, now: float) -> str | None:
        """How far the data behind the next fill must have come, if a purge said so lately."""
        if self._min_lsn is None or now >= self._min_lsn[1]:
            return None
        return self._min_lsn[0]

    def keep_shell(self, page: Page, shell: PreparedShell, since: int, now: float) -> bool:
        """Store a shell that was asked for at position `since`; whether it was."""
        if shell.expiry.drop_at <= now or shell.size > self._object_limit:
            return False
        if not self.fence.may_store(shell.labels, since):
            return False
        shell.labels.share(page.key)
        # keys hold what visitors send: without them, the bytes that are counted would say little
        return self.shells.put(page.key, replace(shell, size=shell.size + len(page.key)))

    def keep_response(self, stored: StoredResponse, since: int, now: float) -> bool:
        """Store a plain response that was asked for at position `since`; whether it was."""
        if stored.expiry.drop_at <= now or stored.size > self._object_limit + OVERHEAD:
            return False
        uri = uri_of(stored.key)
        own = Labels(stored.labels.url, (uri_group(uri), *stored.labels.groups))
        if not self.fence.may_store(own, since):
            return False
        stored.labels.share(uri)
        kept = self.responses.put(stored.key, stored)
        if kept:
            self.shared_lately.set(uri, True)
        return kept

    def _visits_dropped(self) -> None:
        self.changes.count += 1  # who holds a count looks again

    def held(self, key: FragmentKey) -> PreparedFragment | None:
        """The fragment of that key, wherever its kind lies."""
        return self._kind(key).get(key)

    def peek(self, key: FragmentKey) -> PreparedFragment | None:
        """The same without using it."""
        return self._kind(key).peek(key)

    def _kind(self, key: FragmentKey) -> LabelledStore[FragmentKey, PreparedFragment]:
        return self.shared if key[1] in (PUBLIC, NOBODY) else self.private

    def keep_fragment(
        self, key: FragmentKey, account: bytes, fragment: PreparedFragment, since: int, now: float
    ) -> bool:
        """Store a fragment that was asked for at position `since`; whether it was.

        `account` is the visitor whom a private one counts against.
        """
        if fragment.expiry.drop_at <= now or fragment.size > self._object_limit:
            return False
        if not self.fence.may_store(fragment.labels, since):
            return False
        fragment = replace(fragment, size=fragment.size + sum(map(len, key)))
        if key[1] in (PUBLIC, NOBODY):
            return self.shared.put(key, fragment)
        return self.private.put_for(account, key, fragment)

    def expire(self, now: float) -> int:
        """Begin to drop what is of no more use; how many objects are gone already."""
        return sum(store.expire(now) for store in self._stores)

    def tidy(self, now: float) -> bool:
        """Free a slice of what was purged or is over; whether there is more."""
        return any(store.tidy(now) for store in self._stores)

    def drop_other_releases(self, release: str, now: float) -> int:
        """Make the shells of other releases stale; how many. Deploys bring new templates."""
        old = [key for key, shell in self.shells.items() if shell.shell.release != release]
        self.shells.soften(old, now)
        return len(old)


def _concerns_one_response(invalidation: Invalidation) -> bool:
    named = invalidation.urls or invalidation.prefixes or invalidation.everything
    return not named and all(group.startswith(URI_GROUP) for group in invalidation.groups)
