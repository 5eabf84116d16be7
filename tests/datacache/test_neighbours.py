"""Without Redis: what one process of a machine invalidates, the others do not show again."""

from __future__ import annotations

import fcntl
import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from origin.datacache.neighbours import (
    SLOT_BYTES,
    SLOTS,
    Neighbours,
    Unusable,
    default_path,
)
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
        neighbours = Neighbours(clock, lambda groups, soft: told.append((groups, soft)))
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


def test_what_does_not_fit_means_everything(meet: Meet) -> None:
    (one, _), (two, told) = meet(), meet()
    one.tell(["x" * SLOT_BYTES], soft=False)
    two.hear()

    assert told == [(None, False)]


def test_a_damaged_message_means_everything(meet: Meet, clock: Path) -> None:
    (one, _), (two, told) = meet(), meet()
    one.tell(["basket:1"], soft=False)
    with clock.open("r+b") as file:
        file.seek(clock.read_bytes().index(b"basket:1"))
        file.write(b"basket:2")
    two.hear()

    assert told == [(None, False)]


def test_a_stopped_writer_holds_nobody_up(meet: Meet, clock: Path) -> None:
    (one, _), (two, told) = meet(), meet()
    with clock.open("rb") as stopped:
        fcntl.flock(stopped, fcntl.LOCK_EX)
        began = time.monotonic()
        one.tell(["a"], soft=False)
        assert time.monotonic() - began < 5
    two.hear()

    assert told == [(None, False)]  # another may have taken the same place


def test_after_a_tidying_they_meet_again(
    meet: Meet, clock: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (one, told_one), (two, told_two) = meet(), meet()
    monkeypatch.setattr("origin.datacache.neighbours._LOOK", 0.0)
    clock.unlink()
    for neighbours in (one, two):
        neighbours.hear()
    assert told_one == told_two == [(None, False)]

    one.tell(["a"], soft=False)
    two.hear()
    assert told_two[1:] == [(("a",), False)]


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

    with pytest.raises(Unusable):
        Neighbours(clock, lambda groups, soft: None)
    assert target.read_text() == "precious"


def test_others_cannot_read_or_write_it(meet: Meet, clock: Path) -> None:
    meet()

    assert clock.stat().st_mode & 0o777 == 0o600


def test_each_project_and_each_user_has_a_file_of_their_own(settings) -> None:
    mine = default_path("twopass")
    assert f"-{os.geteuid()}-" in mine.name
    assert default_path("other") != mine


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
