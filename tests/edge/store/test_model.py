"""The store against the plainest one that keeps the same promises."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from things import Thing

from edge.core.prepared import Expiry
from edge.core.purge import Fence, Invalidation, Labels
from edge.store import labelled
from edge.store.changes import Changes
from edge.store.labelled import LabelledStore

SITES = ("http://a", "http://b")
KEYS = st.integers(0, 30)
GROUPS = st.frozensets(st.sampled_from(["g", "h", "i"]))


def url(key: int) -> str:
    """Three keys share one."""
    return f"{SITES[key % 2]}/{key // 3}"


INVALIDATIONS = st.builds(
    Invalidation,
    urls=KEYS.map(url).map(lambda found: (found,)) | st.just(()),
    groups=GROUPS.map(tuple),
    prefixes=st.sampled_from([(), (), ("http://a/1",), ("http://b",), ("http://c",)]),
    everything=st.sampled_from([False, False, False, True]),
    soft=st.booleans(),
)


@dataclass
class Fill:
    """A request to the origin that is on its way."""

    key: int
    labels: Labels
    since: int
    overtaken: bool = False


def concerns(invalidation: Invalidation, labels: Labels) -> bool:
    return (
        invalidation.everything
        or labels.url in invalidation.urls
        or bool(set(labels.groups) & set(invalidation.groups))
        or labels.url.startswith(tuple(invalidation.prefixes))
    )


class StoreModel(RuleBasedStateMachine):
    """`put` into a dict that never forgets is what must be found, unless it made room."""

    @initialize(limit=st.sampled_from([60, 300, 100_000]), slice_=st.sampled_from([1, 3, 500]))
    def begin(self, limit: int, slice_: int) -> None:
        labelled.SLICE = slice_  # type: ignore[misc]  # so that little stays marked and uncleared
        self.now = 1000.0
        self.changes = Changes()
        self.store: LabelledStore[int, Thing] = LabelledStore(limit, self.changes)
        self.fence = Fence(limit=5)
        self.model: dict[int, Thing] = {}
        self.revived: set[int] = set()
        """What was over when a soft purge gave it more time: it may be gone already."""
        self.flying: list[Fill] = []
        self.seen: dict[int, Thing | None] = {}
        self.seen_at = -1

    def teardown(self) -> None:
        labelled.SLICE = 500  # type: ignore[misc]

    @rule(key=KEYS, groups=GROUPS)
    def ask(self, key: int, groups: frozenset[str]) -> None:
        self.flying.append(Fill(key, Labels(url(key), tuple(groups)), self.fence.position))

    @precondition(lambda self: self.flying)
    @rule(data=st.data(), size=st.integers(1, 40), lifetime=st.sampled_from([5.0, 50.0, 1e9]))
    def answer(self, data: st.DataObject, size: int, lifetime: float) -> None:
        fill = self.flying.pop(data.draw(st.integers(0, len(self.flying) - 1)))
        if not self.fence.may_store(fill.labels, fill.since):
            return
        assert not fill.overtaken, "a fill that a purge overtook must not be stored"
        expiry = Expiry.starting(self.now, lifetime, 0, 0)
        thing = Thing(size, fill.labels, expiry)
        assert self.store.put(fill.key, thing) == (size <= self.store.limit)
        self.model[fill.key] = thing
        self.revived.discard(fill.key)

    @rule(key=KEYS)
    def get(self, key: int) -> None:
        self._agree(key, self.store.get(key))

    @rule(key=KEYS)
    def discard(self, key: int) -> None:
        self._agree(key, self.store.discard(key))
        self.model.pop(key, None)

    @rule(invalidation=INVALIDATIONS)
    def purge(self, invalidation: Invalidation) -> None:
        if invalidation.is_empty:
            return
        before = dict(self.store.items())
        self.fence.advance(invalidation)
        found = self.store.invalidate(invalidation, self.now)
        assert found == sum(concerns(invalidation, thing.labels) for thing in before.values())
        for fill in self.flying:
            fill.overtaken = fill.overtaken or concerns(invalidation, fill.labels)
        for key, thing in list(self.model.items()):
            if not concerns(invalidation, thing.labels):
                continue
            if invalidation.soft:
                if thing.expiry.drop_at <= self.now:
                    self.revived.add(key)
                self.model[key] = thing.softened(self.now)
            else:
                del self.model[key]

    @rule(seconds=st.sampled_from([0.0, 1.0, 10.0, 60.0]))
    def pass_time(self, seconds: float) -> None:
        self.now += seconds
        self.store.expire(self.now)

    @rule()
    def clear_away(self) -> None:
        while self.store.tidy(self.now):
            pass
        assert self.store.bytes == sum(thing.size for _, thing in self.store.items())

    @invariant()
    def what_is_held_is_what_was_put(self) -> None:
        held = dict(self.store.items())
        assert len(held) == len(self.store)
        for key, thing in held.items():
            self._agree(key, thing)
        assert sum(thing.size for thing in held.values()) <= self.store.bytes <= self.store.limit
        assert {key for key, _ in self.store.items_by_worth()} == held.keys()
        if self.store.limit == 100_000:
            useful = {k for k, thing in self.model.items() if thing.expiry.drop_at > self.now}
            assert useful - self.revived <= held.keys(), (
                "with room for all, nothing of use is missing"
            )

    @invariant()
    def nothing_changes_unless_it_is_counted(self) -> None:
        now = {key: self.store.peek(key) for key in range(31)}
        if self.changes.count == self.seen_at:
            assert all(now[key] is self.seen[key] for key in now)
        self.seen, self.seen_at = now, self.changes.count

    def _agree(self, key: int, thing: Thing | None) -> None:
        if thing is not None:
            expected = self.model[key]
            assert (thing.size, thing.labels, thing.expiry) == (
                expected.size,
                expected.labels,
                expected.expiry,
            )


TestStore = StoreModel.TestCase
TestStore.settings = settings(max_examples=100, stateful_step_count=40, deadline=None)
