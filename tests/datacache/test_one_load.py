"""One load for each key, however readers come between each other: in a process and among many."""

import contextlib
import threading
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

import devstack
from origin.datacache import flow, layers, stats
from origin.datacache.driving import _perform, drive
from origin.datacache.steps import Ask, Load, Refresh, Step
from tests.datacache.conftest import Begin
from tests.datacache.processes import other_process
from tests.datacache.test_levels import Source


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

    def overtaken(keys: Any) -> Any:
        monkeypatch.setattr(levels.flights, "begin", begin_flight)
        price(1)
        return begin_flight(keys)

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
    """Four processes of fifty threads."""
    redis_server.flush()
    path = tmp_path / "price"
    path.write_text("1.00")
    conf: dict[str, object] = {"REDIS": redis_server.url, "WAIT": 60.0}
    with contextlib.ExitStack() as stack:
        others = [stack.enter_context(other_process(conf, path)) for _ in range(4)]
        for other in others:
            other.send("stampede a 50")
        answers = [other.hear() for other in others]

    assert [values for values, _ in answers] == [["1.00"]] * 4
    assert sum(counts["hits_loader"] for _, counts in answers) == 1


def test_counts_tell_what_was_spared(shared: layers.Levels, source: Source) -> None:
    price = source.price(stale=60)
    price(1)
    shared.invalidate(["product:1"], soft=True)
    price(1)

    assert stats.snapshot()["stampedes_prevented"] == stats.snapshot()["stale"] == 1
