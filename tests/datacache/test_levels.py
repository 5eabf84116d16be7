"""Reading through the levels, with a real Redis."""

import asyncio
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest

import devstack
from origin.datacache import Loader, cached, layers, request_cache, stats
from origin.datacache.conf import Settings
from origin.datacache.fills import LONGEST_PAUSE
from tests.datacache.conftest import Begin
from tests.datacache.processes import other_process


class Source:
    """Where values come from; counts how often it is asked."""

    def __init__(self) -> None:
        self.loads = 0
        self.value: object = Decimal("1.00")
        self.gate: Callable[[], None] = lambda: None

    def load(self) -> object:
        self.loads += 1
        value = self.value
        self.gate()
        return value

    def price(self, **options: object) -> Callable[..., object]:
        """A cached function of its own for each test."""
        policy = {"max_age": 3600.0, "groups": ("product:{pk}",), **options}

        @cached(key="price:{pk}", version=str(id(self)), **policy)
        def price(pk: int) -> object:
            return self.load()

        return price


@pytest.fixture
def source() -> Source:
    return Source()


def forget_process(levels: layers.Levels) -> None:
    levels.process.clear()


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline, "it did not happen within 30 seconds"
        time.sleep(0.005)


def test_each_level_answers_before_the_next(shared: layers.Levels, source: Source) -> None:
    price = source.price()

    with request_cache():
        assert [price(1), price(1)] == [Decimal("1.00")] * 2
    price(1)
    forget_process(shared)
    price(1)

    assert source.loads == 1
    found = stats.snapshot()
    assert [found[f"hits_{name}"] for name in stats.LEVELS] == [1, 1, 1, 1]


def test_without_redis_there_is_the_process_level(begin: Begin, source: Source) -> None:
    begin(None)
    price = source.price()

    assert [price(1), price(1), price(2)] == [Decimal("1.00")] * 3
    layers.get_levels().invalidate(["product:1"])
    source.value = Decimal("2.00")

    assert (price(1), price(2), source.loads) == (Decimal("2.00"), Decimal("1.00"), 3)


def test_it_can_be_switched_off(begin: Begin, source: Source) -> None:
    begin(None, ENABLED=False)
    price = source.price()
    price(1), price(1)

    assert source.loads == 2


async def test_async_functions_and_sync_ones_awaited(shared: layers.Levels, source: Source) -> None:
    @cached(max_age=60, groups=("a",))
    async def slow(number: int) -> object:
        await asyncio.sleep(0)
        return (number, source.load())

    found = await asyncio.gather(*(slow(7) for _ in range(50)))
    assert set(found) == {(7, Decimal("1.00"))}
    assert source.loads == 1
    forget_process(shared)
    assert await slow(7) == (7, Decimal("1.00"))
    assert source.loads == 1

    price = source.price()
    assert await price.aget(1) == Decimal("1.00")


def test_a_stampede_of_threads_is_one_load(
    shared: layers.Levels, redis_server: devstack.RedisServer, begin: Begin, source: Source
) -> None:
    # two hundred threads may starve the one that renews the lease for longer than it lives
    begin(redis_server, LEASE=30.0)
    price = source.price()
    ready = threading.Barrier(200)

    def read(_: int) -> object:
        ready.wait()
        return price(1)

    # it goes on until all others have come: each of them could load, too
    source.gate = lambda: wait_until(lambda: stats.snapshot()["collapsed"] >= 199)
    with ThreadPoolExecutor(200) as pool:
        found = list(pool.map(read, range(200)))

    assert set(found) == {Decimal("1.00")}
    assert source.loads == 1
    assert stats.snapshot()["collapsed"] == 199


async def test_a_stampede_of_tasks_is_one_load(shared: layers.Levels, source: Source) -> None:
    price = source.price()
    source.gate = lambda: wait_until(lambda: stats.snapshot()["collapsed"] >= 199)

    found = await asyncio.gather(*(price.aget(1) for _ in range(200)))

    assert set(found) == {Decimal("1.00")}
    assert source.loads == 1


def test_a_failing_loader_fails_its_reader_and_leaves_nothing_behind(
    shared: layers.Levels, source: Source
) -> None:
    price = source.price()

    def fail() -> None:
        raise LookupError("no database")

    source.gate = fail
    with pytest.raises(LookupError):
        price(1)
    source.gate = lambda: None
    began = time.monotonic()

    assert price(1) == Decimal("1.00")
    assert time.monotonic() - began < 10
    assert stats.snapshot()["waited"] == 0  # the lease was given back


def test_stale_is_served_while_it_is_loaded_anew(
    shared: layers.Levels, source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    price = source.price(max_age=100, stale=100)
    price(1)
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() + 150)
    monkeypatch.setattr(shared, "is_trusted", lambda held, now: True)
    source.value = Decimal("2.00")

    assert price(1) == Decimal("1.00")
    wait_until(lambda: price(1) == Decimal("2.00"))
    assert source.loads == 2
    assert stats.snapshot()["stale"] >= 1


def test_past_stale_nobody_sees_the_old_value(
    shared: layers.Levels, source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    price = source.price(max_age=100, stale=100)
    price(1)
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() + 250)
    source.value = Decimal("2.00")

    assert price(1) == Decimal("2.00")


def test_slow_values_are_renewed_early(
    shared: layers.Levels, source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    price = source.price(max_age=1000)
    price(1)
    (held,) = shared.process._held.values()
    held.good_until = 0.0  # what XFetch drew
    source.value = Decimal("2.00")

    assert price(1) == Decimal("1.00")
    wait_until(lambda: price(1) == Decimal("2.00"))
    assert source.loads == 2
    assert stats.snapshot()["early"] == 1


def test_soft_invalidation_serves_stale_meanwhile(shared: layers.Levels, source: Source) -> None:
    price = source.price(stale=60)
    price(1)
    source.value = Decimal("2.00")

    shared.invalidate(["product:1"], soft=True)
    forget_process(shared)

    assert price(1) == Decimal("1.00")
    wait_until(lambda: price(1) == Decimal("2.00"))


def test_values_within_values_bring_their_groups_and_ages(
    shared: layers.Levels, source: Source
) -> None:
    price = source.price(max_age=10)

    @cached(key="card:{pk}", version=str(id(source)), max_age=3600)
    def card(pk: int) -> str:
        return f"for {price(pk)}"

    assert card(1) == "for 1.00"
    held = next(h for h in shared.process._held.values() if "card" in h.key)
    assert "product:1" in held.entry.groups
    assert held.entry.freshness.fresh_until - held.entry.freshness.loaded_at <= 10
    source.value = Decimal("2.00")
    shared.invalidate(["product:1"])

    assert card(1) == "for 2.00"


def test_a_fill_that_raced_an_invalidation_is_refused(
    shared: layers.Levels, source: Source
) -> None:
    price = source.price()

    def sell() -> None:
        source.value = Decimal("2.00")
        source.gate = lambda: None
        shared.invalidate(["product:1"])

    source.gate = sell

    price(1)
    assert price(1) == Decimal("2.00")
    assert stats.snapshot()["raced"] == 1


def test_everything_is_a_group(shared: layers.Levels, source: Source) -> None:
    price = source.price()
    price(1)
    source.value = Decimal("2.00")

    shared.invalidate(["*"])

    assert price(1) == Decimal("2.00")
    forget_process(shared)
    assert price(1) == Decimal("2.00")


def test_damaged_and_foreign_entries_are_misses_with_a_line(
    shared: layers.Levels, source: Source, caplog: pytest.LogCaptureFixture
) -> None:
    price = source.price()
    assert shared.link
    for data in (b"", b"\x80\x04K\x01.", b"2pd1" + b"\x00" * 50, b"x" * 1000):
        price(1)
        (key,) = list(shared.link.call([("KEYS", "*:v:*")])[0])
        shared.link.call([("SET", key, data)])
        forget_process(shared)
        caplog.clear()

        assert price(1) == Decimal("1.00")
        assert "is a miss" in caplog.text
        assert shared.link.call([("GET", key)])[0] != data


def test_a_value_that_cannot_be_stored_is_an_error_in_development_and_a_line_in_production(
    shared: layers.Levels, source: Source, settings, caplog: pytest.LogCaptureFixture
) -> None:
    source.value = object()
    price = source.price()
    settings.TWOPASS = {**settings.TWOPASS, "STRICT": True}
    with pytest.raises(TypeError, match="cannot be stored"):
        price(1)
    settings.TWOPASS = {**settings.TWOPASS, "STRICT": False}

    assert price(1) is source.value
    assert "is not cached" in caplog.text


class Names(Loader[int, str]):
    max_age = 600
    groups = ("name:{key}",)

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[list[int]] = []

    def load(self, keys):
        self.asked.append(list(keys))
        return {key: f"name {key}" for key in keys if key < 100}


def test_many_are_one_load_of_what_is_missing(shared: layers.Levels) -> None:
    names = Names()
    names.get(2)

    assert names.get_many([3, 2, 1, 100]) == {3: "name 3", 2: "name 2", 1: "name 1"}
    assert names.asked == [[2], [3, 1, 100]]
    assert names.get(100) is None
    forget_process(shared)
    commands = []
    assert shared.link
    call = shared.link.call
    shared.link.call = lambda them: commands.append(list(them)) or call(them)
    assert len(names.get_many([1, 2, 3])) == 3
    assert len(commands) == 1  # one pipeline
    assert names.get_many([]) == {}


async def test_many_in_an_event_loop(shared: layers.Levels) -> None:
    names = Names()

    assert await names.aget_many([1, 2]) == {1: "name 1", 2: "name 2"}
    assert await names.aget(1) == "name 1"
    assert names.asked == [[1, 2]]


CONF = {"BOUND": 2.0}


def test_other_processes_hear_of_it_at_once(redis_server: devstack.RedisServer, tmp_path) -> None:
    redis_server.flush()
    path = tmp_path / "price"
    path.write_text("1.00")
    conf = {**CONF, "REDIS": redis_server.url}
    with other_process(conf, path) as one, other_process(conf, path) as two:
        assert one.ask("price a")[0] == "1.00"
        value, counts = two.ask("price a")
        assert (value, counts["hits_redis"]) == ("1.00", 1)
        path.write_text("2.00")

        one.ask("invalidate product:a")

        wait_until(lambda: two.ask("price a")[0] == "2.00")
        assert two.ask("price a")[1]["gaps"] == 0


def test_a_killed_lease_holder_costs_milliseconds_and_no_timeout(
    redis_server: devstack.RedisServer, tmp_path
) -> None:
    """By default: who waits sleeps on until its lease ends, which nobody renews, and not for WAIT.

    What it sleeps is counted, and not what passes: no machine is so busy that it sleeps longer.
    """
    redis_server.flush()
    path = tmp_path / "price"
    path.write_text("1.00")
    conf = {"REDIS": redis_server.url}
    life = Settings().lease
    assert (life, Settings().wait) == (0.15, 5.0)
    with other_process(conf, path) as one, other_process(conf, path) as two:
        one.send("hold a 3600")
        assert one.hear() == "holding"
        began = time.monotonic()
        two.send("price a")
        time.sleep(4 * life)  # it is renewed meanwhile
        one.process.kill()
        one.process.wait()
        alive = time.monotonic() - began
        value, counts = two.hear()

    assert (value, counts["hits_loader"]) == ("1.00", 1)
    # a renewal that was under way may begin its life once more
    assert counts["slept"] <= alive + 2 * life + LONGEST_PAUSE


def test_a_slow_holder_keeps_its_lease_and_others_wait_for_it(
    redis_server: devstack.RedisServer, tmp_path
) -> None:
    redis_server.flush()
    path = tmp_path / "price"
    path.write_text("1.00")
    conf = {"REDIS": redis_server.url, "WAIT": 60.0, "LEASE": 1.0}
    with other_process(conf, path) as one, other_process(conf, path) as two:
        one.send("hold a 3")
        assert one.hear() == "holding"
        value, counts = two.ask("price a")

        assert (value, one.hear()) == ("1.00", "1.00")
        assert (counts["hits_loader"], counts["waited"]) == (0, 1)


def test_what_was_loaded_before_hearing_began_is_not_trusted(
    shared: layers.Levels, source: Source
) -> None:
    """An invalidation between the first load and the listener's start reaches nobody otherwise."""
    shared.listen = lambda: None  # type: ignore[method-assign]
    price = source.price()
    shared.trusted_until = float("inf")
    shared.link, link = None, shared.link
    price(1)
    shared.link = link
    assert shared.link
    source.value = Decimal("2.00")
    shared.link.call([shared.commands.invalidate(["product:1"], soft=False, lsn=0)])

    shared.clock.begin(2**52)

    assert price(1) == Decimal("2.00")


def test_a_group_that_is_invalidated_again_while_redis_is_told_is_told_again(
    shared: layers.Levels, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What another process loads between the two may be old already."""
    assert shared.link
    call, again = shared.link.call, threading.Thread(target=shared.invalidate, args=(["a"],))

    def overtaken(commands):
        monkeypatch.setattr(shared.link, "call", call)
        answers = call(commands)
        asked = shared._asked
        again.start()
        wait_until(lambda: shared._asked > asked)
        return answers

    monkeypatch.setattr(shared.link, "call", overtaken)
    shared.invalidate(["a"])
    again.join(30)

    assert call([("XLEN", shared.commands.names.stream)]) == [2]


def test_what_is_told_by_two_threads_at_once_is_told_once(shared: layers.Levels) -> None:
    """Told twice it would count as two invalidations, and refuse what was loaded in between."""
    assert shared.link
    call, ready = shared.link.call, threading.Barrier(2)
    shared._pending[False]["a"] = (0, 1)

    def deliver(_: int) -> bool:
        ready.wait()
        return shared.deliver()

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(deliver, range(2))) == [True, True]

    assert call([("XLEN", shared.commands.names.stream)]) == [1]
