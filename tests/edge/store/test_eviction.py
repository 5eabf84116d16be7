"""Who leaves: hot objects stay while others pass through."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator
from random import Random

from things import Thing

from edge.core.purge import Invalidation, Labels
from edge.store.eviction import PATIENCE
from edge.store.ghosts import Ghosts
from edge.store.labelled import SLICE, LabelledStore

ROOM = 1000
"""Objects that fit."""


def hits_of_s3(requests: Iterable[int]) -> tuple[int, LabelledStore[int, Thing]]:
    store: LabelledStore[int, Thing] = LabelledStore(ROOM * 10)
    hits = 0
    for key in requests:
        if store.get(key) is None:
            store.put(key, Thing())
        else:
            hits += 1
    return hits, store


def hits_of_lru(requests: Iterable[int]) -> tuple[int, OrderedDict[int, None]]:
    held: OrderedDict[int, None] = OrderedDict()
    hits = 0
    for key in requests:
        if key in held:
            hits += 1
            held.move_to_end(key)
        else:
            held[key] = None
            if len(held) > ROOM:
                held.popitem(last=False)
    return hits, held


def hot_then_scan() -> Iterator[int]:
    """Half the room is hot; then ten times the room is asked for once."""
    for _ in range(5):
        yield from range(ROOM // 2)
    yield from range(10_000, 10_000 + 10 * ROOM)


def test_a_scan_does_not_push_out_what_is_hot_as_it_would_with_lru() -> None:
    _, store = hits_of_s3(hot_then_scan())
    _, lru = hits_of_lru(hot_then_scan())

    assert all(store.peek(key) for key in range(ROOM // 2))
    assert not any(key in lru for key in range(ROOM // 2)), "the comparison must be worth making"
    assert store.bytes <= store.limit


def mixed(seed: int) -> list[int]:
    """A Zipf choice of products, with a crawler that takes every page of the shop once."""
    rng = Random(seed)
    requests: list[int] = []
    for number in range(40_000):
        requests.append(int(20_000 ** rng.random()))
        if number % 2:
            requests.append(10**9 + number)
    return requests


def test_with_a_crawler_about_it_hits_more_often_than_lru() -> None:
    requests = mixed(5)
    ours, _ = hits_of_s3(requests)
    lrus, _ = hits_of_lru(requests)

    assert ours > 1.05 * lrus


def test_a_hot_set_that_moves_on_is_followed() -> None:
    rng = Random(3)
    first = [rng.randrange(ROOM // 2) for _ in range(20_000)]
    then = [5000 + rng.randrange(ROOM // 2) for _ in range(20_000)]
    _, store = hits_of_s3([*first, *then])

    assert all(store.peek(key) for key in range(5000, 5000 + ROOM // 2))


def test_what_comes_back_soon_comes_to_stay() -> None:
    store: LabelledStore[int, Thing] = LabelledStore(ROOM * 10)
    store.put(-1, Thing())
    for key in range(ROOM):
        store.put(key, Thing())
    assert store.peek(-1) is None
    store.put(-1, Thing())
    for key in range(2000, 2000 + ROOM):
        store.put(key, Thing())

    assert store.peek(-1) is not None


def test_where_everything_was_used_an_eviction_still_ends_soon() -> None:
    store: LabelledStore[int, Thing] = LabelledStore(10 * 50_000)
    for key in range(50_000):
        store.put(key, Thing())
        for _ in range(3):
            store.get(key)
    looked_at = sum(entry.uses for entry in store._queues.by_worth())
    store.put(-1, Thing())

    left = sum(entry.uses for entry in store._queues.by_worth())
    assert looked_at - left <= 3 * PATIENCE + 3
    assert store.bytes == store.limit


def test_a_renewed_object_keeps_its_standing() -> None:
    store: LabelledStore[int, Thing] = LabelledStore(ROOM * 10)
    for _ in range(4):
        store.put(0, Thing())
        store.get(0)
    for key in range(1, 5 * ROOM):
        store.put(key, Thing())

    assert store.peek(0) is not None


def test_what_is_purged_leaves_before_anything_else_must() -> None:
    many = 8 * SLICE
    store: LabelledStore[int, Thing] = LabelledStore(many * 10)
    for key in range(many):
        labels = Labels("http://s/", ("old",) if key % 2 else ())
        store.put(key, Thing(labels=labels))
        for _ in range(3):
            store.get(key)
    store.invalidate(Invalidation(groups=("old",)), 1.0)
    for key in range(many, many + many // 2):
        assert store.put(key, Thing())

    assert store.evictions == 0
    assert len(store) == many


def test_ghosts_are_remembered_once_and_take_eight_bytes_each() -> None:
    ghosts = Ghosts()
    for number in range(1000):
        ghosts.add(hash((number, "x")), 1000)

    remembered = [number for number in range(1000) if ghosts.take(hash((number, "x")))]
    assert len(remembered) > 500, "a newer one may take an older one's place"
    assert not any(ghosts.take(hash((number, "x"))) for number in range(1000))
    ghosts.add(7, 100_000)
    assert len(ghosts._table) == 1 << 17
