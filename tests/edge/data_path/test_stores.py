"""Stores: bounded in bytes, found by key, dropped by label, fenced."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.core.facts import Facts
from edge.core.fragment_key import NOBODY, PUBLIC
from edge.core.prepared import Expiry, PreparedFragment, prepare_fragment
from edge.core.purge import Invalidation, Labels
from edge.core.stored import StoredResponse
from edge.core.vary import VaryRule, variant_key
from edge.settings import Settings
from edge.store.bounded import BoundedMap
from edge.store.labelled import LabelledStore
from edge.store.memory import Memory
from edge.store.private import PrivateStore
from edge.store.variants import MAX_VARIANTS, VariantStore

LABELS = Labels("http://s/")
FOREVER = Expiry.starting(0.0, 1e9, 0, 0)


@dataclass(frozen=True)
class Thing:
    size: int = 10
    labels: Labels = LABELS
    expiry: Expiry = FOREVER

    def softened(self, now: float) -> Thing:
        return replace(self, expiry=self.expiry.softened(now))


def fragment(size: int = 100, *groups: str, expiry: Expiry = FOREVER) -> PreparedFragment:
    made = prepare_fragment((b"x",), Labels("", groups), expiry)
    return replace(made, size=size)


def test_a_bounded_map_forgets_what_was_used_longest_ago_and_what_is_over() -> None:
    found: BoundedMap[str, int] = BoundedMap(2)
    found.set("a", 1)
    found.set("b", 2, until=10.0)
    assert found.get("a") == 1
    found.set("c", 3)

    assert found.get("b") is None
    assert (found.get("a"), found.get("c"), len(found)) == (1, 3, 2)
    found.set("d", 4, until=10.0)
    assert found.get("d", 9.9) == 4
    assert found.get("d", 10.0) is None
    found.discard("c")
    found.discard("c")
    assert len(found) == 0


def test_the_unused_leaves_first_and_what_was_used_stays() -> None:
    store: LabelledStore[str, Thing] = LabelledStore(30)
    for key in "abc":
        store.put(key, Thing())
    for _ in range(2):
        store.get("a")
    store.put("d", Thing())

    assert [key for key, _ in store.items()] == ["a", "c", "d"]
    assert [key for key, _ in store.items_by_worth()] == ["a", "d", "c"]
    assert (store.bytes, store.evictions, len(store)) == (30, 1, 3)


def test_what_is_larger_than_the_store_is_refused_and_replaces_nothing_by_half() -> None:
    store: LabelledStore[str, Thing] = LabelledStore(30)
    store.put("a", Thing())

    assert not store.put("b", Thing(31))
    assert not store.put("a", Thing(31))
    assert (len(store), store.bytes) == (0, 0), "an older version must not answer for a newer"


@pytest.mark.parametrize(
    ("invalidation", "left"),
    [
        (Invalidation(urls=("http://s/a",)), "bc"),
        (Invalidation(groups=("odd",)), "b"),
        (Invalidation(prefixes=("http://s/",)), ""),
        (Invalidation(prefixes=("http://s/b", "http://t/")), "ac"),
        (Invalidation(everything=True), ""),
        (Invalidation(urls=("http://s/",), groups=("x",)), "abc"),
    ],
)
def test_labels_find_what_is_to_be_dropped(invalidation: Invalidation, left: str) -> None:
    store: LabelledStore[str, Thing] = LabelledStore(1000)
    for key, groups in (("a", ("odd",)), ("b", ("even",)), ("c", ("odd", "third"))):
        store.put(key, Thing(labels=Labels(f"http://s/{key}", groups)))

    assert store.invalidate(invalidation, 1.0) == 3 - len(left)
    assert "".join(key for key, _ in store.items()) == left


def test_a_soft_invalidation_keeps_things_as_stale() -> None:
    store: LabelledStore[str, Thing] = LabelledStore(1000)
    store.put("a", Thing())
    store.invalidate(Invalidation(everything=True, soft=True), 100.0)

    held = store.get("a")
    assert held is not None
    assert not held.expiry.is_fresh(100.0)
    assert store.expire(129.0) == 0
    assert store.expire(130.0) == 1
    assert store.bytes == 0


def test_what_is_over_is_dropped_whatever_replaced_it() -> None:
    store: LabelledStore[str, Thing] = LabelledStore(10**9)
    for number in range(3000):
        store.put("same", Thing(expiry=Expiry.starting(0.0, 10 + number, 0, 0)))

    assert store.expire(100.0) == 0
    assert store.expire(10_000.0) == 1
    assert len(store._deadlines) < 2000


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(1, 40), st.sampled_from("pdigs"))))
def test_the_books_always_balance(steps: list[tuple[int, int, str]]) -> None:
    store: LabelledStore[int, Thing] = LabelledStore(100)
    for key, size, action in steps:
        if action == "p":
            store.put(key, Thing(size, Labels(f"u{key}", (f"g{key % 3}",))))
        elif action == "d":
            store.discard(key)
        elif action == "i":
            store.invalidate(Invalidation(urls=(f"u{key}",)), 1.0)
        elif action == "g":
            store.invalidate(Invalidation(groups=(f"g{key % 3}",)), 1.0)
        else:
            store.invalidate(Invalidation(groups=(f"g{key % 3}",), soft=True), 1.0)

    held = dict(store.items())
    assert store.bytes == sum(thing.size for thing in held.values()) <= 100
    assert set(store._index.urls) == {thing.labels.wire for thing in held.values()}
    assert set(store._index.groups) == {thing.labels.groups[0] for thing in held.values()}


def test_each_visitor_has_a_cap_and_nobody_pays_for_another() -> None:
    store = PrivateStore(10_000, 300)
    store.put_for(b"ann", (b"a", b"ann", b""), fragment())
    for number in range(10):
        assert store.put_for(b"eve", (b"%d" % number, b"eve", b""), fragment())

    assert store.get((b"a", b"ann", b"")) is not None
    assert (len(store), store.visitors, store.bytes) == (4, 2, 400)
    assert not store.put_for(b"eve", (b"x", b"eve", b""), fragment(301))
    store.invalidate(Invalidation(everything=True), 1.0)
    assert (len(store), store.visitors, store.bytes) == (0, 0, 0)


def test_replacing_a_fragment_counts_it_once() -> None:
    store = PrivateStore(10_000, 300)
    for _ in range(10):
        store.put_for(b"ann", (b"a", b"ann", b""), fragment())

    assert (len(store), store.bytes, store.evictions) == (1, 100, 0)


def _response(
    headers: list[tuple[bytes, bytes]], born: float = 0.0, *fields: bytes
) -> StoredResponse:
    rule = VaryRule(tuple(fields))
    key = variant_key(b"http://s/", rule, headers)
    facts = Facts(200, born, born + 60, 0, 0, vary=rule)
    return StoredResponse(key, facts, (), b"", Labels("http://s/"), None, 10)


def test_variants_lie_side_by_side() -> None:
    store = VariantStore(10_000)
    de, en = [(b"accept-language", b"de")], [(b"accept-language", b"en")]
    for headers in (de, en):
        stored = _response(headers, 0.0, b"accept-language")
        store.put(stored.key, stored)

    found = store.select(b"http://s/", de)
    assert found is not None
    assert found.key == _response(de, 0.0, b"accept-language").key
    assert store.select(b"http://s/", []) is None
    assert store.select(b"http://other/", de) is None
    assert len(store.variants(b"http://s/")) == 2


def test_of_several_that_match_the_youngest_answers() -> None:
    store = VariantStore(10_000)
    old, new = _response([], 0.0), _response([(b"x", b"1")], 5.0, b"x")
    for stored in (new, old):
        store.put(stored.key, stored)

    assert store.select(b"http://s/", [(b"x", b"1")]) is new
    assert store.select(b"http://s/", [(b"x", b"2")]) is old


def test_the_variants_of_one_resource_are_bounded() -> None:
    store = VariantStore(10**9)
    for number in range(MAX_VARIANTS * 3):
        stored = _response([(b"x", b"%d" % number)], 0.0, b"x")
        store.put(stored.key, stored)

    assert len(store) == len(store.variants(b"http://s/")) == MAX_VARIANTS
    store.invalidate(Invalidation(everything=True), 1.0)
    assert store._variants == {}


def _memory(**settings: int) -> Memory:
    return Memory(Settings(origin="http://o", **settings))


def test_fragments_lie_where_their_kind_belongs() -> None:
    memory = _memory()
    for owner in (PUBLIC, NOBODY, b"identity"):
        assert memory.keep_fragment((b"b", owner, b""), b"acc", fragment(), 0, 1.0)

    assert (len(memory.shared), len(memory.private)) == (2, 1)
    assert all(memory.held((b"b", owner, b"")) for owner in (PUBLIC, NOBODY, b"identity"))


def test_fills_that_began_before_a_purge_are_kept_out() -> None:
    memory = _memory()
    since = memory.position
    memory.apply(Invalidation(groups=("g",)), 1.0)

    assert not memory.keep_fragment((b"a", PUBLIC, b""), b"", fragment(9, "g"), since, 1.0)
    assert memory.keep_fragment((b"b", PUBLIC, b""), b"", fragment(9, "h"), since, 1.0)
    assert memory.keep_fragment((b"a", PUBLIC, b""), b"", fragment(9, "g"), memory.position, 1.0)


def test_one_plain_response_made_invalid_parts_no_fetches() -> None:
    memory = _memory()
    memory.apply(Invalidation(groups=("uri:http://s/basket",)), 1.0)
    assert (memory.position, memory.generation) == (1, 0)
    memory.apply(Invalidation(groups=("uri:http://s/", "g")), 1.0)
    assert (memory.position, memory.generation) == (2, 1)


def test_the_purges_position_in_the_log_is_remembered_for_an_hour() -> None:
    memory = _memory()
    memory.apply(Invalidation(groups=("g",), lsn="0/2"), 0.0)
    memory.apply(Invalidation(groups=("g",), lsn="0/1"), 10.0)

    assert memory.min_lsn(3000.0) == "0/2"
    assert memory.min_lsn(4000.0) is None
    memory.apply(Invalidation(groups=("g",), lsn="nonsense"), 4000.0)
    assert memory.min_lsn(4000.0) is None


def test_purges_by_url_ask_anew_what_pages_are() -> None:
    memory = _memory()
    memory.marks.set(b"k", "guard")
    memory.apply(Invalidation(groups=("g",)), 1.0)
    assert memory.marks.get(b"k") == "guard"
    memory.apply(Invalidation(urls=("http://s/",)), 1.0)
    assert memory.marks.get(b"k") is None
