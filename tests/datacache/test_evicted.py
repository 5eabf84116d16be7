"""A Redis that makes room forgets when groups were invalidated: that costs loads, never truth."""

from collections.abc import Callable

import pytest

import devstack
from origin.datacache import flow, layers, stats
from origin.datacache.driving import drive
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
