"""Purges of much: gone at once, freed little by little, and nothing else looked at."""

from __future__ import annotations

import pytest
from things import Thing

from edge.core.prepared import Expiry
from edge.core.purge import Invalidation, Labels
from edge.store.labelled import SLICE, LabelledStore

MANY = 20_000


def filled() -> LabelledStore[int, Thing]:
    store: LabelledStore[int, Thing] = LabelledStore(10**9)
    for key in range(MANY):
        labels = Labels(f"http://s/{key % 2}/{key}", (f"half:{key % 2}",))
        store.put(key, Thing(labels=labels))
    return store


@pytest.mark.parametrize(
    "invalidation",
    [
        Invalidation(groups=("half:1",)),
        Invalidation(prefixes=("http://s/1/",)),
        Invalidation(urls=tuple(f"http://s/1/{key}" for key in range(1, MANY, 2))),
    ],
)
def test_it_holds_at_once_and_is_freed_in_slices(invalidation: Invalidation) -> None:
    store = filled()

    assert store.invalidate(invalidation, 1.0) == MANY // 2 == len(store)
    assert not any(store.get(key) for key in range(1, MANY, 2))
    assert all(store.get(key) for key in range(0, MANY, 2))
    assert store.bytes == 10 * (MANY - SLICE), "bytes count until they are free"
    slices = 2  # that of the purge, and the last one, after which there is no more
    while store.tidy(1.0):
        slices += 1
    assert slices == MANY // 2 // SLICE
    assert store.bytes == 10 * MANY // 2
    assert store.invalidate(invalidation, 1.0) == 0


def test_all_at_once_looks_at_nothing_that_was_held() -> None:
    store = filled()

    assert store.invalidate(Invalidation(everything=True), 1.0) == MANY
    assert (len(store), store.get(1)) == (0, None)
    assert store.bytes == 10 * (MANY - SLICE)
    store.put(1, Thing())
    while store.tidy(1.0):
        pass
    assert (len(store), store.bytes) == (1, 10)


def test_what_was_emptied_makes_room_before_anything_new_does() -> None:
    store: LabelledStore[int, Thing] = LabelledStore(10 * MANY)
    for key in range(MANY):
        store.put(key, Thing())
    store.invalidate(Invalidation(everything=True), 1.0)
    for key in range(MANY):
        assert store.put(key, Thing())

    assert (len(store), store.evictions, store.bytes) == (MANY, 0, 10 * MANY)


class Watched(Thing):
    """Counts how many were looked at."""

    looks = 0

    @property
    def labels(self) -> Labels:  # type: ignore[override]
        Watched.looks += 1
        return self.__dict__["found"]

    def __init__(self, labels: Labels) -> None:
        object.__setattr__(self, "found", labels)
        object.__setattr__(self, "size", 10)
        object.__setattr__(self, "expiry", Expiry.starting(0.0, 1e9, 0, 0))


@pytest.mark.parametrize(
    "invalidation",
    [
        Invalidation(groups=("few",)),
        Invalidation(prefixes=("http://s/few/",)),
        Invalidation(urls=("http://s/few/1",)),
    ],
)
def test_what_is_not_concerned_is_not_looked_at(invalidation: Invalidation) -> None:
    store: LabelledStore[int, Watched] = LabelledStore(10**9)
    for key in range(5000):
        name = "few" if key < 3 else "many"
        store.put(key, Watched(Labels(f"http://s/{name}/{key}", (name,))))
    Watched.looks = 0
    walked = 0

    class Walked(dict):  # type: ignore[type-arg]
        def __iter__(self) -> object:  # type: ignore[override]
            nonlocal walked
            walked += 1
            return super().__iter__()

        values = items = keys = __iter__  # type: ignore[assignment]

    store._entries = Walked(store._entries)
    store._index._urls = Walked(store._index._urls)

    assert store.invalidate(invalidation, 1.0) == (1 if invalidation.urls else 3)
    assert Watched.looks <= 3
    assert walked == 0


def test_soft_purges_of_much_hold_at_once_too() -> None:
    store = filled()

    assert store.invalidate(Invalidation(groups=("half:1",), soft=True), 50.0) == MANY // 2
    for key in (1, MANY - 1):
        held = store.get(key)
        assert held is not None
        assert not held.expiry.is_fresh(50.0)
        assert held.expiry.may_refresh(79.0)
    assert len(store) == MANY
    while store.tidy(50.0):
        pass
    store.expire(90.0)
    while store.tidy(90.0):
        pass
    assert len(store) == MANY // 2, "the soft ones nobody renewed are of no more use"


def test_a_purge_after_a_soft_one_holds_and_so_does_the_later_of_two_soft_ones() -> None:
    store = filled()
    everything = Invalidation(everything=True, soft=True)
    store.invalidate(everything, 50.0)
    store.invalidate(everything, 60.0)
    held = store.get(MANY - 1)
    assert held is not None
    assert held.expiry.fresh_until == 50.0
    assert held.expiry.may_refresh(89.0)

    store.invalidate(Invalidation(groups=("half:1",)), 61.0)
    assert store.get(MANY - 1) is None
    assert store.get(MANY - 2) is not None


def test_renewing_what_is_purged_but_not_freed_counts_it_once() -> None:
    store = filled()
    store.invalidate(Invalidation(groups=("half:1",)), 1.0)
    renewed = Thing(labels=Labels("http://s/1/1", ("half:1",)))
    store.put(1, renewed)
    while store.tidy(1.0):
        pass

    assert store.get(1) is renewed
    assert (len(store), store.bytes) == (MANY // 2 + 1, 10 * (MANY // 2 + 1))
    assert store.invalidate(Invalidation(groups=("half:1",)), 1.0) == 1
