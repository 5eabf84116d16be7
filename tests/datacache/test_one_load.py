"""One load for each key, however readers come between each other: in a process and among many."""

import asyncio
import contextlib
import select
import threading
import time
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction

import devstack
from origin.datacache import cached, flow, layers, stats
from origin.datacache.driving import _perform, drive
from origin.datacache.steps import Ask, Load, Refresh, Step
from tests.datacache.conftest import Begin
from tests.datacache.processes import other_process
from tests.datacache.test_levels import Source, wait_until


@pytest.fixture
def source() -> Source:
    return Source()


def up_to(levels: layers.Levels, steps: Generator[Step, Any, Any], kind: type[Step]) -> Step:
    """Drive `steps` until it wants a step of `kind`, which is not performed."""
    step = next(steps)
    while not isinstance(step, kind):
        step = steps.send(_perform(levels, step))
    return step


def finish(levels: layers.Levels, steps: Generator[Step, Any, Any], step: Step) -> list[Step]:
    """Perform `step` and all that follow; which they were."""
    performed = [step]
    with contextlib.suppress(StopIteration):
        while True:
            performed.append(steps.send(_perform(levels, performed[-1])))
    return performed


def test_who_saw_it_stale_before_another_renewed_it_does_not_load_it_again(
    shared: layers.Levels, source: Source
) -> None:
    price = source.price(stale=60)
    price(1)
    shared.invalidate(["product:1"], soft=True)
    name = ident(price, 1)
    step = up_to(shared, flow.read(shared, price.definition, [name]), Refresh)
    assert isinstance(step, Refresh)

    for _ in range(2):
        drive(shared, flow.renew(shared, step.definition, name, step.seen))

    assert source.loads == 2  # the first, and one renewal


def test_the_same_where_only_redis_keeps_it(
    begin: Begin, redis_server: devstack.RedisServer, source: Source
) -> None:
    redis_server.flush()
    levels = begin(redis_server, PROCESS_BYTES=0)
    price = source.price(stale=60)
    price(1)
    levels.invalidate(["product:1"], soft=True)
    name = ident(price, 1)
    step = up_to(levels, flow.read(levels, price.definition, [name]), Refresh)
    assert isinstance(step, Refresh)

    for _ in range(2):
        drive(levels, flow.renew(levels, step.definition, name, step.seen))

    assert source.loads == 2


def test_who_missed_it_in_redis_before_another_stored_it_does_not_load_it(
    shared: layers.Levels, source: Source
) -> None:
    """Between the look into Redis and the lease there is time for a whole load of another's."""
    price = source.price()
    other = layers.Levels(shared.conf)
    name = ident(price, 1)
    late = flow.read(shared, price.definition, [name])
    asks = [up_to(shared, late, Ask)]
    while not any(command[0] == "SET" for command in asks[-1].commands):
        asks.append(late.send(_perform(shared, asks[-1])))

    drive(other, flow.read(other, price.definition, [name]))
    performed = finish(shared, late, asks[-1])

    assert not [step for step in performed if isinstance(step, Load)]
    assert source.loads == 1
    assert shared.link
    assert shared.link.call([("KEYS", "*:l:*")]) == [[]]  # its lease was given back
    other.close()


def test_who_missed_it_at_hand_before_another_landed_does_not_load_it(
    begin: Begin, source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same within a process, without any Redis."""
    levels = begin(None)
    price = source.price()
    begin_flight = levels.flights.begin

    def overtaken(*arguments: Any) -> Any:
        monkeypatch.setattr(levels.flights, "begin", begin_flight)
        price(1)
        return begin_flight(*arguments)

    monkeypatch.setattr(levels.flights, "begin", overtaken)

    assert price(1) == source.value
    assert source.loads == 1


def test_a_renewal_is_begun_once_however_many_ask_at_once(begin: Begin) -> None:
    levels, may_end = begin(None), threading.Event()

    begun = [levels.refresh("key", lambda: may_end.wait(30)) for _ in range(3)]
    may_end.set()

    assert begun == [True, False, False]


def ident(price: Any, pk: int) -> Any:
    """As the wrapper makes them of arguments."""
    from origin.datacache.functions import Ident

    return Ident((pk,), {})


@pytest.mark.timeout(120)
def test_a_stampede_of_several_processes_is_one_load(
    redis_server: devstack.RedisServer, tmp_path: Path
) -> None:
    """Four processes of fifty threads, and a load that all of them come to while it goes on."""
    redis_server.flush()
    path = tmp_path / "price"
    path.write_text("1.00")
    # a machine that starves two hundred threads must not take the lease for its holder's death
    conf: dict[str, object] = {"REDIS": redis_server.url, "WAIT": 60.0, "LEASE": 60.0}
    with contextlib.ExitStack() as stack:
        others = [stack.enter_context(other_process(conf, path)) for _ in range(4)]
        for other in others:
            other.send("stampede a 50 0.5")
        answers = [other.hear() for other in others]

    assert [values for values, _ in answers] == [["1.00"]] * 4
    assert sum(counts["hits_loader"] for _, counts in answers) == 1


def test_counts_tell_what_was_spared(shared: layers.Levels, source: Source) -> None:
    price = source.price(stale=60)
    price(1)
    shared.invalidate(["product:1"], soft=True)
    price(1)

    assert stats.snapshot()["stampedes_prevented"] == stats.snapshot()["stale"] == 1


# Herds: readers that come while a load of what no level has is going on


class Herd:
    """Readers on threads of their own, and a loader that counts how many it serves at once."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.loads = self.at_once = self.most = 0
        self.may_end = threading.Event()

    def load(self, value: Callable[[], object]) -> object:
        with self.lock:
            self.loads += 1
            self.at_once += 1
            self.most = max(self.most, self.at_once)
        try:
            assert self.may_end.wait(60)
            return value()
        finally:
            with self.lock:
                self.at_once -= 1

    def read(self, levels: layers.Levels, price: Callable[[int], object], number: int) -> list[Any]:
        """What `number` readers get, of whom the first is loading when the others come."""
        with ThreadPoolExecutor(number) as pool:
            found = [pool.submit(price, 1) for _ in range(number)]
            wait_until(lambda: stats.snapshot()["collapsed"] >= number - 1)
            self.may_end.set()
            return [one.exception() or one.result() for one in found]


@pytest.fixture
def herd() -> Herd:
    return Herd()


BOTH = pytest.mark.parametrize("has_redis", [False, True], ids=["without Redis", "with Redis"])


@pytest.fixture
def either(
    begin: Begin, redis_server: devstack.RedisServer, request: pytest.FixtureRequest
) -> layers.Levels:
    redis_server.flush()
    keys = {"WAIT": 60.0, "LEASE": 60.0}
    return begin(redis_server if request.getfixturevalue("has_redis") else None, **keys)


@BOTH
def test_a_herd_behind_a_loader_that_fails_is_two_loads(
    either: layers.Levels, herd: Herd, has_redis: bool
) -> None:
    """One of those who waited tries once more; when that fails, too, they all have failed."""

    @cached(key="{pk}", max_age=60)
    def price(pk: int) -> object:
        return herd.load(lambda: 1 // 0)

    found = herd.read(either, price, 50)

    assert {type(one) for one in found} == {ZeroDivisionError}
    assert (herd.loads, herd.most) == (2, 1)
    assert not either.flights._open


@BOTH
def test_what_failed_for_one_only_fails_nobody_else(
    either: layers.Levels, herd: Herd, has_redis: bool
) -> None:
    def once() -> int:
        if herd.loads == 1:
            raise LookupError("only my connection is broken")
        return 7

    @cached(key="{pk}", max_age=60)
    def price(pk: int) -> object:
        return herd.load(once)

    found = herd.read(either, price, 50)

    assert sorted(map(str, found)) == ["7"] * 49 + ["only my connection is broken"]
    assert (herd.loads, herd.most) == (2, 1)


class Odd:
    """What no level can store."""

    def __init__(self) -> None:
        self.parts = [1]


@BOTH
def test_what_cannot_be_stored_is_one_load_and_each_readers_own(
    either: layers.Levels, herd: Herd, has_redis: bool
) -> None:
    @cached(key="{pk}", max_age=60)
    def price(pk: int) -> object:
        return herd.load(Odd)

    found = herd.read(either, price, 50)

    assert (herd.loads, herd.most) == (1, 1)
    assert [one.parts for one in found] == [[1]] * 50
    assert len({id(one) for one in found}) == len({id(one.parts) for one in found}) == 50


@BOTH
def test_what_cannot_even_be_copied_is_loaded_for_each_in_turn(
    either: layers.Levels, herd: Herd, has_redis: bool
) -> None:
    """A generator that two readers shared would give each of them half."""

    @cached(key="{pk}", max_age=60)
    def price(pk: int) -> object:
        return herd.load(lambda: (number for number in range(3)))

    found = herd.read(either, price, 20)

    assert [list(one) for one in found] == [[0, 1, 2]] * 20
    assert (herd.loads, herd.most) == (20, 1)


def test_what_cannot_be_stored_has_its_groups_all_the_same(
    begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin(None)

    @cached(key="{pk}", max_age=60, groups=("product:{pk}",))
    def price(pk: int) -> object:
        return Odd()

    @cached(key="card", max_age=3600)
    def card() -> int:
        return len(price(7).parts)

    card()

    (held,) = layers.get_levels().process._held.values()
    assert "product:7" in held.entry.groups
    assert held.entry.freshness.fresh_until - held.entry.freshness.loaded_at <= 60


@BOTH
def test_who_comes_after_an_invalidation_does_not_get_what_was_read_before(
    either: layers.Levels, herd: Herd, has_redis: bool
) -> None:
    """The load that it waits for began earlier: its own reader may have it, and nobody later."""
    value = ["old"]

    @cached(key="{pk}", max_age=60, groups=("product:{pk}",))
    def price(pk: int) -> object:
        seen = value[0]
        return herd.load(lambda: seen)

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(price, 1)
        wait_until(lambda: herd.loads == 1)
        value[0] = "new"
        either.invalidate(["product:1"])
        second = pool.submit(price, 1)
        wait_until(lambda: stats.snapshot()["collapsed"] >= 1)
        herd.may_end.set()

        assert [first.result(60), second.result(60)] == ["old", "new"]


@pytest.mark.django_db(transaction=True)
def test_what_was_read_on_a_snapshot_is_given_to_nobody_who_waits(begin: Begin, herd: Herd) -> None:
    """SQLite's transactions are ones: what it sees may be older than everything."""
    begin(None, WAIT=60.0)

    @cached(key="{pk}", max_age=60)
    def price(pk: int) -> object:
        return herd.load(lambda: herd.loads)

    def on_a_snapshot() -> object:
        with transaction.atomic():
            return price(1)

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(on_a_snapshot)
        wait_until(lambda: herd.loads == 1)
        second = pool.submit(price, 1)
        wait_until(lambda: stats.snapshot()["collapsed"] >= 1)
        herd.may_end.set()

        assert [first.result(60), second.result(60)] == [1, 2]


@BOTH
def test_a_load_that_takes_longer_than_anybody_waits_has_a_few_beside_it_and_no_herd(
    begin: Begin, redis_server: devstack.RedisServer, herd: Herd, has_redis: bool
) -> None:
    """One more for each WAIT, whoever waits, and all have it as soon as one has."""
    redis_server.flush()
    begin(redis_server if has_redis else None, WAIT=0.5, LEASE=60.0)

    @cached(key="{pk}", max_age=60)
    def price(pk: int) -> object:
        return herd.load(lambda: 7)

    with ThreadPoolExecutor(50) as pool:
        began = time.monotonic()
        found = [pool.submit(price, 1) for _ in range(50)]
        wait_until(lambda: herd.loads >= 3)
        passed = time.monotonic() - began
        assert herd.loads <= 1 + passed / 0.5
        herd.may_end.set()
        assert {one.result(60) for one in found} == {7}


@pytest.mark.timeout(120)
def test_so_among_processes(redis_server: devstack.RedisServer, tmp_path: Path) -> None:
    """Three processes wait for a holder that hangs: one of them goes beside it at a time."""
    redis_server.flush()
    path = tmp_path / "price"
    path.write_text("1.00")
    conf: dict[str, object] = {"REDIS": redis_server.url, "WAIT": 1.0, "LEASE": 60.0}
    with contextlib.ExitStack() as stack:
        holder, *others = [stack.enter_context(other_process(conf, path)) for _ in range(4)]
        holder.send("hold a 3600")
        assert holder.hear() == "holding"
        began = time.monotonic()
        for other in others:
            other.send("hold a 3600")
        outputs = [other.process.stdout for other in others]
        assert select.select(outputs, [], [], 60)[0]
        time.sleep(0.5)  # for the others, if they come as well
        beside, _, _ = select.select(outputs, [], [], 0)

        assert 1 <= len(beside) <= time.monotonic() - began


async def test_a_herd_of_tasks_behind_a_loader_that_fails_is_two_loads(begin: Begin) -> None:
    begin(None, WAIT=60.0)
    loads = 0

    @cached(key="{pk}", max_age=60)
    async def price(pk: int) -> object:
        nonlocal loads
        loads += 1
        await asyncio.sleep(0.05)
        return 1 // 0

    found = await asyncio.gather(*(price(1) for _ in range(50)), return_exceptions=True)

    assert {type(one) for one in found} == {ZeroDivisionError}
    assert loads == 2
