"""Redis stopped, frozen, flushed, restarted: nothing fails, nothing old is shown past the bound."""

import asyncio
import threading
import time
from collections.abc import Iterator

import pytest

import devstack
from origin.datacache import layers, stats
from tests.datacache.conftest import Begin
from tests.datacache.processes import other_process
from tests.datacache.test_levels import Source, wait_until

FAST = {"REDIS_TIMEOUT": 0.3, "REDIS_PAUSE": 0.1, "BOUND": 1.0}


@pytest.fixture
def server(fresh_redis_server: devstack.RedisServer) -> Iterator[devstack.RedisServer]:
    yield fresh_redis_server
    layers.reset_levels()


@pytest.fixture
def source() -> Source:
    return Source()


BREAK = {
    "stopped": (lambda s: s.stop(), lambda s: s.start()),
    "killed": (lambda s: s.kill(), lambda s: s.start()),
    "frozen": (lambda s: s.freeze(), lambda s: s.thaw()),
}


@pytest.mark.parametrize("how", BREAK)
def test_readers_go_on_without_redis_and_with_it_again(
    server: devstack.RedisServer, begin: Begin, source: Source, how: str
) -> None:
    levels = begin(server, **FAST)
    price = source.price()
    price(1)
    break_it, mend_it = BREAK[how]
    break_it(server)

    assert price(2) == price(1) == source.value
    source.value = "new"
    levels.invalidate(["product:1"])
    assert price(1) == "new"
    assert levels.has_pending

    mend_it(server)
    wait_until(lambda: not levels.has_pending)
    wait_until(lambda: not levels.link.is_away and time.time() < levels.trusted_until)
    levels.process.clear()
    assert price(1) == "new"
    stats.reset()
    price(1)
    levels.process.clear()
    wait_until(
        lambda: (
            (price(1) == "new" and stats.snapshot()["hits_redis"] >= 1) or levels.process.clear()
        )
    )


def test_while_redis_is_away_old_data_lives_for_the_bound_at_most(
    server: devstack.RedisServer, begin: Begin, source: Source
) -> None:
    begin(server, **FAST)
    price = source.price()
    price(1)
    server.stop()
    source.value = "new"  # and nobody could tell us

    began = time.time()
    wait_until(lambda: price(1) == "new")
    first_seen = time.time()
    source.value = "newer"
    wait_until(lambda: price(1) == "newer")

    assert first_seen - began > 0.05  # it was trusted for a while: that is what the bound is for
    assert stats.snapshot()["hits_process"] > 0


def test_a_flushed_redis_is_noticed(
    server: devstack.RedisServer, begin: Begin, source: Source
) -> None:
    """An invalidation that was flushed away before it was heard must not be lost."""
    levels = begin(server, **FAST)
    price = source.price()
    levels.listen()
    levels.invalidate(["something"])
    wait_until(lambda: bool(levels.clock.position))
    price(1)
    source.value = "new"
    server.flush()

    wait_until(lambda: price(1) == "new")
    assert stats.snapshot()["gaps"] >= 1


def test_a_fill_that_a_flush_and_an_invalidation_overtook_is_refused(
    server: devstack.RedisServer, begin: Begin, source: Source
) -> None:
    levels = begin(server, **FAST)
    price = source.price()

    def overtake() -> None:
        source.gate = lambda: None
        source.value = "new"
        levels.link.call([levels.commands.invalidate(["product:1"], soft=False, lsn=0)])
        server.flush()

    source.gate = overtake
    price(1)
    levels.process.clear()

    assert price(1) == "new"


def test_invalidations_of_others_while_we_were_cut_off_are_heard_of_afterwards(
    server: devstack.RedisServer, begin: Begin, source: Source, tmp_path
) -> None:
    levels = begin(server, **FAST)
    price = source.price(max_age=3600)
    price(1)
    with other_process({"REDIS": server.url}, tmp_path / "unused") as other:
        link, levels.link.is_away = levels.link.call, True

        levels.link._away_until = time.monotonic() + 3600
        assert other.ask("invalidate product:1") == "done"
        source.value = "new"
        wait_until(lambda: price(1) == "new")
        assert link


def test_redis_that_was_never_there(
    server: devstack.RedisServer, begin: Begin, source: Source
) -> None:
    server.stop()
    begin(server, **FAST)
    price = source.price()

    assert [price(1), price(1)] == [source.value] * 2
    server.start()


async def test_a_redis_that_hangs_holds_up_no_event_loop(
    server: devstack.RedisServer, begin: Begin, source: Source
) -> None:
    """What Redis was not told is told before it is read: on a thread, which may wait for it."""
    levels = begin(server, **{**FAST, "REDIS_TIMEOUT": 1.0, "REDIS_PAUSE": 0.0001})
    price = source.price()
    await price.aget(1)
    server.freeze()
    levels.listen = lambda: None  # type: ignore[method-assign]
    source.value = "new"
    await asyncio.to_thread(levels.invalidate, ["product:1"])
    assert levels.has_pending
    on_the_loop: list[bool] = []
    deliver = levels.deliver

    def noted() -> bool:
        on_the_loop.append(threading.current_thread() is threading.main_thread())
        return deliver()

    levels.deliver = noted  # type: ignore[method-assign]

    assert await price.aget(1) == "new"
    assert on_the_loop
    assert not any(on_the_loop)
    server.thaw()


def test_a_process_that_ends_tells_redis_what_it_could_not_tell_before(
    server: devstack.RedisServer, begin: Begin, source: Source
) -> None:
    levels = begin(server, **FAST)
    server.stop()
    levels.invalidate(["product:1"])
    server.start()
    time.sleep(FAST["REDIS_PAUSE"])

    levels.close()

    again = begin(server, **FAST)
    assert again.link.call([("GET", again.commands.names.stamp("product:1"))])[0]
