"""How often pages are visited: counts that fade, outlive what is stored, and stay bounded. Pure.

Whoever answers with a page again and again holds its `Visited` and adds to it, without a look-up;
the table takes in what was added whenever it is asked, and now and then.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from operator import attrgetter
from typing import Final, NamedTuple

from edge.core.messages import Headers, first

HALF_LIFE: Final = 86400.0
"""Seconds after which a visit counts half: what was popular last week is behind today's."""
MAX_PAGES: Final = 10_000
"""Pages that are kept; some 3 MiB at URLs of a hundred characters."""
MAX_URL: Final = 1024
"""Bytes of a URL from which a page is not counted; visitors choose their length."""
SLACK: Final = 8
"""A part in so many of `MAX_PAGES` may come in before the least visited leave, all at once."""
FORGOTTEN: Final = 1 / 1024
"""What a page is let go below: ten half-lives after its only visit."""
FOLD_EVERY: Final = 60.0
"""Seconds that visits may wait to be taken in; to the half-life, nothing."""


class Visited:
    """One page's count: `fresh` visits since they were last taken in, on top of `weight`."""

    __slots__ = ("fresh", "is_kept", "url", "weight")

    def __init__(self, url: bytes) -> None:
        self.url = url
        self.fresh = 0
        self.weight = 0.0
        self.is_kept = True

    @property
    def total(self) -> float:
        """Visits, those of long ago for less."""
        return self.weight + self.fresh


class PageVisits(NamedTuple):
    """A row of the table: a URL and its visits, which have faded."""

    url: str
    visits: float


_total = attrgetter("total")


class Visits:
    """The `limit` pages that are visited most. A page that the rest has overtaken is let go, and

    begins anew when it is visited again. `on_dropped` is called when some were: who holds a
    `Visited` asks for the one that counts `again`.
    """

    def __init__(
        self,
        on_dropped: Callable[[], None],
        limit: int = MAX_PAGES,
        half_life: float = HALF_LIFE,
    ) -> None:
        self._on_dropped = on_dropped
        self._limit = limit
        self._half_life = half_life
        self._pages: dict[bytes, Visited] = {}
        self._folded_at: float | None = None

    def __len__(self) -> int:
        return len(self._pages)

    def of(self, url: bytes) -> Visited:
        """The page's count; one that counts for nothing where the URL is too long."""
        found = self._pages.get(url)
        if found is None:
            if len(url) > MAX_URL:
                return Visited(b"")
            self._make_room()
            found = self._pages[url] = Visited(url)
        return found

    def again(self, visited: Visited) -> Visited:
        """The same count, or the one in its place if it was let go."""
        return visited if visited.is_kept else self.of(visited.url)

    def add(self, url: bytes) -> None:
        """Count one visit."""
        self.of(url).fresh += 1

    def fold(self, now: float) -> None:
        """Take in what was counted, if the last time was a while ago; `now` in seconds."""
        if self._folded_at is None or not 0 <= now - self._folded_at < FOLD_EVERY:
            self._fold(now)

    def top(self, now: float, prefix: str = "", limit: int = MAX_PAGES) -> list[PageVisits]:
        """The most visited pages whose URL begins with `prefix`, the first the most visited."""
        self._fold(now)
        start = prefix.encode("utf-8", "surrogatepass")
        found = (page for url, page in self._pages.items() if url.startswith(start))
        return [
            PageVisits(page.url.decode("ascii"), page.weight)
            for page in heapq.nlargest(limit, found, key=_total)
            if page.weight
        ]

    def _fold(self, now: float) -> None:
        # a clock that was set back fades nothing
        elapsed = max(0.0, now - self._folded_at) if self._folded_at is not None else 0.0
        kept = 0.5 ** (elapsed / self._half_life)
        self._folded_at = now
        for page in self._pages.values():
            page.weight = page.weight * kept + page.fresh
            page.fresh = 0
        self._drop([page for page in self._pages.values() if page.weight < FORGOTTEN])

    def _make_room(self) -> None:
        """Let the least visited go, of equal ones those that have been here longest."""
        slack = max(1, self._limit // SLACK)
        if len(self._pages) >= self._limit + slack:
            self._drop(heapq.nsmallest(slack, self._pages.values(), key=_total))

    def _drop(self, pages: list[Visited]) -> None:
        for page in pages:
            page.is_kept = False
            del self._pages[page.url]
        if pages:
            self._on_dropped()


def is_visit(headers: Headers) -> bool:
    """Whether somebody wants to see the page: browsers that fetch ahead say that nobody does yet

    (Sec-Purpose, Fetch standard §3.5), and so does a rebuild.
    """
    purpose = first(headers, b"sec-purpose")
    return purpose is None or not purpose.lower().startswith(b"prefetch")


def added_up(tables: list[list[PageVisits]], limit: int) -> list[PageVisits]:
    """The most visited pages of several tables together."""
    totals: dict[str, float] = {}
    for table in tables:
        for url, visits in table:
            totals[url] = totals.get(url, 0.0) + visits
    ordered = sorted(totals.items(), key=lambda row: -row[1])
    return [PageVisits(url, visits) for url, visits in ordered[:limit]]
