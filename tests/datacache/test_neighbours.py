"""Without Redis: what one process of a machine invalidates, the others do not show again."""

from __future__ import annotations

import contextlib
import errno
import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgpack
import pytest

from origin.datacache import layers
from origin.datacache.demand import Demand
from origin.datacache.neighbours import MOST, SLOT_BYTES, SLOTS, Neighbours, _messages, default_path
from tests.datacache.conftest import Begin
from tests.datacache.processes import other_process
from tests.datacache.test_levels import Source

Told = list[tuple[tuple[str, ...] | None, bool]]
Meet = Callable[[], tuple[Neighbours, Told]]


@pytest.fixture
def clock(tmp_path: Path) -> Path:
    return tmp_path / "clock"


@pytest.fixture
def meet(clock: Path) -> Iterator[Meet]:
    met: list[Neighbours] = []

    def meet() -> tuple[Neighbours, Told]:
        told: Told = []
        neighbours = Neighbours(clock, lambda groups, soft, lsn: told.append((groups, soft)))
        neighbours.hear()
        met.append(neighbours)
        return neighbours, told

    yield meet
    for neighbours in met:
        neighbours.close()


@pytest.mark.timeout(120)
def test_processes_hear_of_each_other_before_their_next_reading(
    clock: Path, tmp_path: Path
) -> None:
    path = tmp_path / "price"
    path.write_text("1.00")
    conf: dict[str, object] = {"CLOCK_FILE": str(clock)}
    with other_process(conf, path) as one, other_process(conf, path) as two:
        for process in (one, two):
            assert process.ask("price a")[0] == "1.00"
        path.write_text("2.00")
        assert two.ask("price a")[0] == "1.00"  # it does lie in the process

        for number in range(50):
            path.write_text(f"{number}.50")
            assert one.ask("invalidate product:a") == "done"
            assert two.ask("price a")[0] == f"{number}.50"
        assert two.ask("price b")[1]["hits_process"] >= 1


@pytest.mark.timeout(120)
def test_a_fill_that_another_process_overtook_is_refused(clock: Path, tmp_path: Path) -> None:
    path = tmp_path / "price"
    path.write_text("1.00")
    conf: dict[str, object] = {"CLOCK_FILE": str(clock)}
    with other_process(conf, path) as one, other_process(conf, path) as two:
        one.send("hold a 1")
        assert one.hear() == "holding"
        path.write_text("2.00")
        assert two.ask("invalidate product:a") == "done"

        assert one.hear() == "1.00"
        assert one.ask("price a")[0] == "2.00"


def test_what_others_tell_is_heard_once_and_in_order(meet: Meet) -> None:
    (one, told_one), (two, told_two) = meet(), meet()

    one.tell(["a", "b"], soft=False)
    two.tell(["ü"], soft=True)
    for neighbours in (one, two, one, two):
        neighbours.hear()

    assert told_one == [(("ü",), True)]
    assert told_two == [(("a", "b"), False)]


def test_positions_in_the_primarys_log_are_told(
    clock: Path, meet: Meet, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, _ = meet()
    heard: list[int | None] = []
    two = Neighbours(clock, lambda groups, soft, lsn: heard.append(lsn))
    two.hear()
    one.tell(["a"], soft=False, lsn=77)
    one.tell(["a"], soft=False)
    one.tell(["x" * SLOT_BYTES], soft=False, lsn=78)
    two.hear()
    assert heard == [None]  # everything, by whatever transaction

    one.tell(["a"], soft=False, lsn=2**63)
    two.hear()
    assert heard[1:] == [2**63]
    two.close()


def test_a_release_that_tells_no_positions_is_heard_and_hears(
    clock: Path, meet: Meet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both run side by side on one file. The older one packs and takes apart `soft, *groups`."""
    one, _ = meet()
    heard: list[tuple[tuple[str, ...] | None, int | None]] = []
    two = Neighbours(clock, lambda groups, soft, lsn: heard.append((groups, lsn)))
    two.hear()
    with monkeypatch.context() as patch:
        older = msgpack.packb([False, "a", "b"])
        patch.setattr("origin.datacache.neighbours._messages", lambda *_: [older])
        one.tell(["a", "b"], soft=False)
    two.hear()

    assert heard == [(("a", "b"), None)]
    (message,) = _messages(["a", "b"], soft=True, lsn=77)
    soft, *groups = msgpack.unpackb(message)
    assert soft is True
    assert {"a", "b"} <= set(groups)
    two.close()


@pytest.fixture
def replicas(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], int]]:
    """As with dbrouting: a primary that stands at 500; how often it was asked."""
    asked: list[int] = []
    monkeypatch.setattr("origin.datacache.layers.is_routed", lambda: True)
    monkeypatch.setattr("origin.datacache.loading.primary_position", lambda: asked.append(1) or 500)
    monkeypatch.setattr(
        "origin.datacache.loading.reads_as_of", lambda lsn: contextlib.nullcontext()
    )
    yield lambda: len(asked)
    layers.reset_levels()


def test_a_load_must_be_as_new_as_what_a_neighbour_has_invalidated(
    clock: Path, begin: Begin, replicas: Callable[[], int]
) -> None:
    levels = begin(CLOCK_FILE=str(clock))
    other = layers.Levels(levels.conf)
    price = Source().price()
    price(2)  # the first asks where the primary stands: nobody has told this process before
    price(3)
    assert replicas() == 1
    assert levels.demand(["product:1"]) == Demand(500)

    other.invalidate(["product:1"], lsn=770)
    levels.hear()

    assert levels.demand(["product:1"]) == Demand(770)
    other.invalidate(["x" * SLOT_BYTES], lsn=900)
    levels.hear()
    assert levels.demand(["product:1"]) == Demand(770, ask=True)
    price(1)
    assert replicas() == 2
    other.close()


def test_a_primary_that_cannot_say_costs_loads_and_fails_nobody(
    clock: Path, begin: Begin, replicas: Callable[[], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    begin(CLOCK_FILE=str(clock))
    source = Source()
    price = source.price()
    with monkeypatch.context() as patch:
        patch.setattr("origin.datacache.loading.primary_position", lambda: None)
        for _ in range(2):
            assert price(1) == source.value
    assert source.loads == 2

    for _ in range(2):
        assert price(1) == source.value
    assert source.loads == 3


def test_who_comes_later_hears_what_comes_later(meet: Meet) -> None:
    one, _ = meet()
    one.tell(["before"], soft=False)
    two, told = meet()
    one.tell(["after"], soft=False)
    two.hear()

    assert told == [(("after",), False)]


@pytest.mark.parametrize("missed", [SLOTS + 1, 3 * SLOTS])
def test_who_slept_too_long_trusts_nothing(meet: Meet, missed: int) -> None:
    (one, _), (two, told) = meet(), meet()
    for _ in range(missed):
        one.tell(["a"], soft=False)
    two.hear()
    assert told == [(None, False)]

    one.tell(["b"], soft=False)
    two.hear()
    assert told[1:] == [(("b",), False)]


def test_a_whole_ring_can_be_heard(meet: Meet) -> None:
    (one, _), (two, told) = meet(), meet()
    for number in range(SLOTS):
        one.tell([str(number)], soft=False)
    two.hear()

    assert told == [((str(number),), False) for number in range(SLOTS)]


def test_many_groups_take_many_messages_and_stay_soft(meet: Meet) -> None:
    (one, _), (two, told) = meet(), meet()
    names = [f"product:{number:08}" for number in range(100)]
    one.tell(names, soft=True)
    two.hear()

    assert [name for groups, _ in told for name in groups or ()] == names
    assert {soft for _, soft in told} == {True}


@pytest.mark.parametrize(
    "groups",
    [["x" * SLOT_BYTES], ["a", "x" * SLOT_BYTES, "b"], [f"{n:0100}" for n in range(3 * MOST)]],
    ids=["long", "long among others", "many"],
)
def test_what_does_not_fit_means_everything(meet: Meet, groups: list[str]) -> None:
    (one, _), (two, told) = meet(), meet()
    one.tell(groups, soft=True)
    two.hear()

    assert told == [(None, False)]


def test_any_text_is_a_group(meet: Meet) -> None:
    (one, _), (two, told) = meet(), meet()
    one.tell(["\ud800", "\0", ""], soft=False)
    two.hear()

    assert told == [(("\ud800", "\0", ""), False)]


def test_a_damaged_message_means_everything(meet: Meet, clock: Path) -> None:
    (one, _), (two, told) = meet(), meet()
    one.tell(["basket:1"], soft=False)
    with clock.open("r+b") as file:
        file.seek(clock.read_bytes().index(b"basket:1"))
        file.write(b"basket:2")
    two.hear()

    assert told == [(None, False)]


def test_a_stopped_writer_holds_nobody_up_and_loses_nothing_when_it_goes_on(
    meet: Meet, clock: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (one, _), (two, told_two), (three, told_three) = meet(), meet(), meet()
    write, is_stopped = os.pwrite, [True]

    def stop_before_the_count(file: int, data: bytes, place: int) -> int:
        if is_stopped and len(data) == 8 and place == 8:
            is_stopped.clear()
            began = time.monotonic()
            two.tell(["while one is stopped"], soft=False)
            assert time.monotonic() - began < 5
            three.hear()
            assert told_three == [(None, False)]
        return write(file, data, place)

    monkeypatch.setattr("origin.datacache.neighbours.os.pwrite", stop_before_the_count)
    one.tell(["a"], soft=False)
    for neighbours in (two, three):
        neighbours.hear()

    assert told_three[1:] == [(("a",), False)]
    assert told_two  # one's message, if only as "everything"


def test_who_tells_into_a_removed_file_is_heard(meet: Meet, clock: Path) -> None:
    (one, _), (two, told) = meet(), meet()
    clock.unlink()

    assert one.tell(["a"], soft=False)
    two.hear()

    assert (None, False) in told
    two.hear()
    one.tell(["b"], soft=False)
    two.hear()
    assert told[-1] == (("b",), False)


def test_a_file_removed_while_it_is_written_is_told_anew(
    meet: Meet, clock: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (one, _), (two, told) = meet(), meet()
    write = os.pwrite
    newcomer: list[tuple[Neighbours, Told]] = []

    def tidy_up(file: int, data: bytes, place: int) -> int:
        if not newcomer:
            clock.unlink()
            newcomer.append(meet())
        return write(file, data, place)

    monkeypatch.setattr("origin.datacache.neighbours.os.pwrite", tidy_up)
    one.tell(["a"], soft=False)
    third, told_third = newcomer[0]
    for neighbours in (two, third):
        neighbours.hear()

    assert (None, False) in told
    assert told_third  # everything, or the message


def test_a_newcomer_in_a_new_file_is_heard_by_who_has_the_old_one(meet: Meet, clock: Path) -> None:
    one, told = meet()
    clock.unlink()
    two, _ = meet()
    two.tell(["a"], soft=False)
    one.hear()

    assert told == [(None, False)]


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO, errno.ENOLCK])
def test_who_could_not_tell_tells_everything_as_soon_as_can_be(
    meet: Meet, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    (one, _), (two, told) = meet(), meet()
    with monkeypatch.context() as patch:
        patch.setattr("origin.datacache.neighbours._locked", _raising(number))
        patch.setattr("origin.datacache.neighbours._raise_alarm", _raising(number))
        assert not one.tell(["a"], soft=False)
        assert not one.hear()
        assert os.strerror(number) in one.error
    two.hear()
    assert told == []
    monkeypatch.setattr(one, "_try_at", 0.0)

    assert one.hear()
    two.hear()
    assert told == [(None, False)]


def test_a_file_that_cannot_be_opened_for_a_while(
    meet: Meet, clock: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (one, told_one), (two, told) = meet(), meet()
    clock.unlink()
    with monkeypatch.context() as patch:
        patch.setattr("origin.datacache.neighbours._opened", _raising(errno.EMFILE))
        assert not one.hear()
        assert not one.tell(["a"], soft=False)
    two.hear()
    assert told == [(None, False)]  # one has raised the alarm in the file that was removed
    monkeypatch.setattr(one, "_try_at", 0.0)

    assert one.hear()
    two.hear()
    assert told == [(None, False)] * 2
    assert told_one[-1] == (None, False)


def _raising(number: int) -> Callable[..., Any]:
    def fail(*_: object) -> Any:
        raise OSError(number, os.strerror(number))

    return fail


@pytest.mark.parametrize("size", [0, 10])
def test_a_file_that_somebody_cut_ends_nothing(meet: Meet, clock: Path, size: int) -> None:
    one, _ = meet()
    os.truncate(clock, size)

    assert not one.hear()
    assert not one.tell(["a"], soft=False)


def test_what_is_closed_says_nothing(meet: Meet) -> None:
    (one, _), (two, told) = meet(), meet()
    one.close()
    one.close()

    assert not one.tell(["a"], soft=False)
    assert not one.hear()
    two.hear()
    assert told == []


@pytest.mark.parametrize("content", [b"", b"precious", b"precious" * 100_000])
def test_what_is_something_else_is_not_touched(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "db.sqlite3"
    path.write_bytes(content)
    neighbours = Neighbours(path, lambda groups, soft, lsn: None)

    assert not neighbours.hear()
    assert not neighbours.tell(["a"], soft=False)
    assert "no clock" in neighbours.error
    assert path.read_bytes() == content


def test_a_second_name_of_a_file_is_not_taken(meet: Meet, clock: Path, tmp_path: Path) -> None:
    meet()[0].hear()
    (tmp_path / "elsewhere").hardlink_to(clock)

    assert not meet()[0].hear()


def test_many_threads_tell_and_nothing_is_lost(meet: Meet) -> None:
    (one, _), (two, _), (three, told) = meet(), meet(), meet()
    threads = [
        threading.Thread(target=lambda w=w, n=n: w.tell([f"{n}"], soft=False))
        for n, w in enumerate([one, two] * 100)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    three.hear()

    assert sorted(int(groups[0]) for groups, _ in told if groups) == list(range(200))


def test_a_link_laid_by_somebody_else_is_not_followed(clock: Path, tmp_path: Path) -> None:
    target = tmp_path / "precious"
    target.write_text("precious")
    clock.symlink_to(target)
    neighbours = Neighbours(clock, lambda groups, soft, lsn: None)

    assert not neighbours.hear()
    assert target.read_text() == "precious"


def test_others_cannot_read_or_write_it(meet: Meet, clock: Path) -> None:
    meet()

    assert clock.stat().st_mode & 0o777 == 0o600


def test_all_processes_of_a_project_find_the_same_file(settings) -> None:
    mine = default_path("twopass")
    assert f"-{os.geteuid()}-" in mine.name
    assert default_path("other") != mine
    replica = {**settings.DATABASES["default"], "HOST": "elsewhere"}
    settings.DATABASES = {
        "default": {**settings.DATABASES["default"], "HOST": "db", "PORT": "5432"},
        "replica": replica,
    }
    assert default_path("twopass") == mine


@pytest.mark.parametrize("path", ["/nowhere/clock", "/dev/null"])
def test_where_nothing_can_be_told_values_get_no_older_than_the_bound(
    begin: Begin, caplog: pytest.LogCaptureFixture, path: str
) -> None:
    levels = begin(CLOCK_FILE=path, BOUND=0.2)
    source = Source()
    price = source.price()
    assert price(1) == price(1)
    assert source.loads == 1
    time.sleep(0.25)
    price(1)

    assert source.loads == 2
    assert "Set DATACACHE['REDIS']" in caplog.text
    assert levels.link is None
