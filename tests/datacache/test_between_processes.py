"""Promises that hold between processes, shown with real ones; and the bound without Redis."""

import time
from pathlib import Path

import pytest

import devstack
from origin.datacache import layers
from tests.datacache.conftest import Begin
from tests.datacache.processes import other_process
from tests.datacache.test_levels import Source, wait_until


@pytest.mark.timeout(120)
def test_a_fill_that_another_process_overtook_is_refused(
    redis_server: devstack.RedisServer, tmp_path: Path
) -> None:
    """One has read the old price when two changes it: one's reader gets it, and nobody after."""
    redis_server.flush()
    path = tmp_path / "price"
    path.write_text("1.00")
    conf: dict[str, object] = {"REDIS": redis_server.url, "WAIT": 60.0, "LEASE": 2.0}
    with (
        other_process(conf, path) as one,
        other_process(conf, path) as two,
        other_process(conf, path) as three,
    ):
        one.send("hold a 3")
        assert one.hear() == "holding"
        path.write_text("2.00")
        assert two.ask("invalidate product:a") == "done"
        three.send("price a")  # waits for one's lease meanwhile

        assert one.hear() == "1.00"
        assert three.hear()[0] == "2.00"
        value, counts = one.ask("price a")
        assert (value, counts["raced"]) == ("2.00", 1)
        assert two.ask("price a")[0] == "2.00"


@pytest.mark.timeout(120)
def test_a_lease_outlives_its_holder_by_its_own_life_at_most(
    redis_server: devstack.RedisServer, begin: Begin, tmp_path: Path
) -> None:
    """By default that is 150 milliseconds, however long the load would have taken."""
    redis_server.flush()
    path = tmp_path / "price"
    path.write_text("1.00")
    levels = begin(redis_server)
    life = levels.conf.lease * 1000
    assert life <= 150
    assert levels.link
    with other_process({"REDIS": redis_server.url}, path) as one:
        one.send("hold a 3600")
        assert one.hear() == "holding"
        (lease,) = levels.link.call([("KEYS", "*:l:*")])[0]
        for _ in range(20):
            assert levels.link.call([("PTTL", lease)])[0] <= life
            time.sleep(0.01)
        one.process.kill()
        one.process.wait()

        wait_until(lambda: levels.link.call([("EXISTS", lease)]) == [0])


def test_nothing_is_trusted_past_the_bound_after_redis_was_last_heard_of(
    fresh_redis_server: devstack.RedisServer, begin: Begin
) -> None:
    levels = begin(fresh_redis_server, REDIS_TIMEOUT=0.3, REDIS_PAUSE=0.1, BOUND=1.0)
    source = Source()
    price = source.price()
    price(1)
    wait_until(lambda: time.time() < levels.trusted_until)
    fresh_redis_server.stop()
    stopped = time.time()

    for _ in range(20):
        price(1)
        assert levels.trusted_until <= stopped + 1.0
        time.sleep(0.05)
    (held,) = levels.process._held.values()
    last = max(levels.trusted_until, held.entry.freshness.loaded_at + 1.0)
    assert levels.is_trusted(held, last - 0.001)
    assert not levels.is_trusted(held, last)
    layers.reset_levels()
