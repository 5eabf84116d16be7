"""Answers that are known already, and what they rest on: whether they still hold."""

from __future__ import annotations

from edge.core.hit import PageHit, StoredHit
from edge.core.plan import Plan
from edge.core.prepared import PreparedShell
from edge.core.steps import PLAIN, Page
from edge.core.stored import StoredResponse
from edge.core.vary import VaryRule
from edge.core.visits import Visited
from edge.pages import Pages
from edge.plain import Plain
from edge.store.memory import Memory


class Known:
    """An answer and what it rests on; without `hit`: that there is none here."""

    __slots__ = ("_stored_at", "count", "hit", "rest", "size", "until", "visited")

    def __init__(
        self,
        hit: PageHit | StoredHit | None,
        rest: PageRest | StoredRest | None,
        until: float,
        visited: Visited,
    ) -> None:
        self.hit = hit
        self.rest = rest
        self.until = until
        self.visited = visited
        self.count = self._stored_at = -1
        self.size = 512 + (0 if hit is None else hit.size)

    def is_of_use(self, now: float, count: int) -> bool:
        """Whether it may be used yet, and keeps nothing in memory that the store has let go of.

        `count`: that of the changes, since which nothing has left the store.
        """
        if now >= self.until:
            return False
        if self._stored_at != count:
            if self.rest is None or not self.rest.is_stored():
                return False
            self._stored_at = count
        return True


class PageRest:
    """What the answer with a page was worked out from."""

    __slots__ = ("_memory", "_page", "_path_key", "_plan", "_shell", "_unknown_key")

    def __init__(
        self, memory: Memory, pages: Pages, page: Page, shell: PreparedShell, plan: Plan
    ) -> None:
        self._memory = memory
        self._path_key = pages.path_key
        self._unknown_key = pages.unknown_key
        self._page = page
        self._shell = shell
        self._plan = plan

    def is_stored(self) -> bool:
        """Whether all that the answer is made of is in the store still; none counts as used."""
        memory = self._memory
        if memory.shells.peek(self._page.key) is not self._shell:
            return False
        return all(memory.peek(found.key) is found.fragment for found in self._plan.found)

    def holds(self, now: float) -> bool:
        """Whether looking everything up again would find the same; it all counts as used."""
        memory, page = self._memory, self._page
        if memory.records.get(self._path_key) is not page.record:
            return False
        if memory.shells.get(page.key) is not self._shell:
            return False
        if memory.marks.get(self._unknown_key, now) or memory.marks.get(page.key, now):
            return False
        for found in self._plan.found:
            if memory.reads.get(found.base) is not found.reads:
                return False
            if memory.held(found.key) is not found.fragment:
                return False
        return True


class StoredRest:
    """What the answer with a stored response was worked out from."""

    __slots__ = ("_memory", "_path_key", "_plain", "_rules", "_stored", "_unknown_key")

    def __init__(
        self, memory: Memory, pages: Pages | None, path_key: bytes, plain: Plain,
        stored: StoredResponse,
    ) -> None:  # fmt: skip
        self._memory = memory
        self._path_key = path_key
        self._unknown_key = None if pages is None else pages.unknown_key
        self._plain = plain
        self._stored = stored
        self._rules = self.rules

    @property
    def rules(self) -> set[VaryRule]:
        """What the variants of the resource are selected by."""
        variants = self._memory.responses.variants(self._plain.primary)
        return {variant.facts.vary for variant in variants}

    def is_stored(self) -> bool:
        """As for pages."""
        return self._memory.responses.peek(self._stored.key) is self._stored

    def holds(self, now: float) -> bool:
        """As for pages."""
        memory = self._memory
        if self._unknown_key is not None:
            if memory.records.get(self._path_key) is not None:
                return False
            if memory.marks.get(self._unknown_key, now) not in (None, PLAIN):
                return False
        return self.rules == self._rules and self._plain.lookup().stored is self._stored
