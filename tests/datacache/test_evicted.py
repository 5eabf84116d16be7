"""A Redis that makes room forgets when groups were invalidated: that costs loads, never truth."""

import contextlib
import dataclasses
from collections.abc import Callable, Iterator

import pytest

import devstack
from origin.datacache import flow, layers, stats
from origin.datacache.driving import drive
from origin.datacache.entry import decode
from origin.datacache.shared_layer import Fill
from tests.datacache.conftest import Begin
from tests.datacache.test_levels import Source
from tests.datacache.test_one_load import ident


@pytest.fixture
def source() -> Source:
    return Source()


@pytest.fixture
def levels(begin: Begin, redis_server: devstack.RedisServer) -> layers.Levels:
    """With a clock that has run for a while."""
    redis_server.flush()
    levels = begin(redis_server, PROCESS_BYTES=0)
    levels.invalidate(["something"])
    return levels


def evict_stamp(levels: layers.Levels) -> None:
    assert levels.link
    assert levels.link.call([("DEL", levels.commands.names.stamp("product:1"))]) == [1]


def as_another_process(levels: layers.Levels, price: Callable[..., object]) -> object:
    """What a process sees that began after all this, and so has heard of nothing."""
    late = layers.Levels(levels.conf)
    name = ident(price, 1)
    found = drive(late, flow.read(late, price.definition, [name]))
    late.close()
    return found[name]


def test_a_load_that_a_forgotten_invalidation_overtook_is_refused(
    levels: layers.Levels, source: Source
) -> None:
    price = source.price()

    def overtake() -> None:
        source.gate = lambda: None
        source.value = "new"
        levels.invalidate(["product:1"])
        evict_stamp(levels)

    source.gate = overtake
    price(1)

    assert stats.snapshot()["raced"] == 1
    assert as_another_process(levels, price) == "new"


def test_an_invalidated_entry_is_not_revived_by_a_neighbour_of_its_group(
    levels: layers.Levels, source: Source
) -> None:
    price = source.price()
    price(1)
    source.value = "new"
    levels.invalidate(["product:1"])
    evict_stamp(levels)

    other = Source()
    other.price()(1)  # of the same group: it is stamped again

    assert as_another_process(levels, price) == "new"


def test_stamps_live_as_long_as_what_they_judge(levels: layers.Levels, source: Source) -> None:
    """Not for weeks: visitors choose some of the names."""
    assert levels.link
    source.price(max_age=60)(1)
    stamp = levels.commands.names.stamp("product:1")

    (left,) = levels.link.call([("TTL", stamp)])
    assert 60 < left <= 600
    levels.invalidate(["product:1"])
    (longest,) = levels.link.call([("TTL", stamp)])
    source.price(max_age=60)(1)
    assert longest - 60 < levels.link.call([("TTL", stamp)])[0] <= longest


def floor_of(levels: layers.Levels) -> bytes:
    assert levels.link
    return levels.link.call([levels.commands.floor()])[0]


@pytest.fixture
def replicated(
    begin: Begin, redis_server: devstack.RedisServer, monkeypatch: pytest.MonkeyPatch
) -> Iterator[layers.Levels]:
    """With replicas, and a primary that stands at 500; `asked` counts the questions."""
    redis_server.flush()
    monkeypatch.setattr("origin.datacache.layers.is_routed", lambda: True)
    monkeypatch.setattr("origin.datacache.loading.primary_position", lambda: 500)
    monkeypatch.setattr(
        "origin.datacache.loading.reads_as_of", lambda lsn: contextlib.nullcontext()
    )
    yield begin(redis_server, PROCESS_BYTES=0)
    layers.reset_levels()


def stored_lsn(levels: layers.Levels) -> int:
    assert levels.link
    ((key,),) = levels.link.call([("KEYS", "*:v:*")])
    (data,) = levels.link.call([("GET", key)])
    return decode(key.decode().partition(":v:")[2], data).lsn


def test_a_forgotten_stamp_stands_for_the_newest_transaction(
    replicated: layers.Levels, source: Source
) -> None:
    price = source.price()
    price(2)
    assert floor_of(replicated) == b"500 500"
    replicated.invalidate(["product:1"], lsn=770)
    evict_stamp(replicated)
    assert replicated.link
    replicated.link.call([("DEL", *replicated.link.call([("KEYS", "*:v:*")])[0])])

    assert as_another_process(replicated, price) == source.value
    assert stored_lsn(replicated) == 770


@pytest.mark.parametrize("lost", ["floor", "everything"])
def test_a_redis_that_has_forgotten_positions_has_the_primary_asked(
    replicated: layers.Levels, source: Source, lost: str
) -> None:
    price = source.price()
    replicated.invalidate(["product:1"], lsn=400)
    assert replicated.link
    replicated.link.call([("DEL", replicated.commands.names.floor)])
    if lost == "everything":
        replicated.link.call([("FLUSHALL",)])

    assert as_another_process(replicated, price) == source.value
    assert (stored_lsn(replicated), floor_of(replicated)) == (500, b"500 500")


def test_what_is_not_asked_is_refused_by_a_redis_that_does_not_know(
    replicated: layers.Levels,
) -> None:
    """A load that began before Redis forgot knows less than it thinks."""
    assert replicated.link
    replicated.link.call([("SET", replicated.commands.names.lease("k"), "mine")])
    fill = Fill("k", "mine", 2**52, 450, 60.0, b"x", ("product:1",))

    (answer,) = replicated.link.call([replicated.commands.fill(fill)])
    assert answer == [b"behind", b"-1"]
    asked = dataclasses.replace(fill, lsn=500, asked=True)
    (answer,) = replicated.link.call([replicated.commands.fill(asked)])
    assert answer == [b"stored", b"0"]


def test_what_is_older_than_a_forgotten_stamp_may_have_been_is_refused(
    replicated: layers.Levels,
) -> None:
    assert replicated.link
    names = replicated.commands.names
    replicated.link.call([("SET", names.floor, "500 770"), ("SET", names.lease("k"), "mine")])
    fill = Fill("k", "mine", 2**52, 600, 60.0, b"x", ("product:1",))

    for _ in range(2):  # the second finds the stamp that the first has made
        (answer,) = replicated.link.call([replicated.commands.fill(fill)])
        assert answer == [b"behind", b"770"]
