"""What is rendered quickly is sent together; nothing waits for what is slow, or not known."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import AsyncIterator, Iterable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fragments.bundle import BundleRequest, Frame, FrameDecoder, Message
from origin import registry, second_pass
from origin.pace import KNOWN, TOGETHER, Pace, turns
from origin.registry import fragment

from .edge_side import HOST, apost_bundle, include, post_bundle, text_of

pytestmark = pytest.mark.usefixtures("shop")

SECONDS = st.floats(0, 2 * TOGETHER) | st.just(math.inf)


@given(st.lists(st.tuples(st.integers(), SECONDS)))
def test_nothing_is_lost_or_moved_and_no_turn_of_several_takes_long(
    items: list[tuple[int, float]],
) -> None:
    planned = turns(items)

    assert [item for turn in planned for item in turn.items] == [item for item, _ in items]
    assert all(turn.is_quick or len(turn.items) == 1 for turn in planned)


def test_turns_are_as_few_as_can_be() -> None:
    quick = TOGETHER / 4

    planned = turns([("a", quick), ("b", quick), ("slow", 1.0), ("c", quick), ("new", math.inf)])

    assert [turn.items for turn in planned] == [["a", "b"], ["slow"], ["c"], ["new"]]


def quick(pace: Pace, *names: str) -> None:
    for name in names * KNOWN:
        pace.learn(name, 0.0)


def test_only_what_was_quick_time_after_time_is_expected_to_be() -> None:
    pace = Pace()
    assert pace.expected("basket") == math.inf

    for _ in range(KNOWN):
        assert pace.expected("basket") == math.inf
        pace.learn("basket", TOGETHER / 2)
    assert pace.expected("basket") == TOGETHER / 2
    pace.learn("basket", 0.0)
    assert 0.0 < pace.expected("basket") < TOGETHER / 2
    pace.learn("basket", TOGETHER * 2)
    assert pace.expected("basket") == math.inf


@pytest.fixture
def pace(monkeypatch: pytest.MonkeyPatch) -> Pace:
    known = Pace()
    monkeypatch.setattr(registry, "_FRAGMENTS", {})
    monkeypatch.setattr(second_pass, "PACE", known)
    return known


@pytest.fixture
def _at_leisure(monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy machine may take longer than 3 ms over what is quick."""
    monkeypatch.setattr(second_pass, "TOGETHER", 20.0)


def rendered(*names: str) -> list[str]:
    """Registers fragments; the list tells which of them have been rendered."""
    order: list[str] = []
    for name in names:
        fragment(name)(lambda request, name=name: order.append(name) or name)
    return order


def bundle_of(*names: str) -> BundleRequest:
    return BundleRequest(f"http://{HOST}/product/1/", tuple(map(include, names)))


def told(messages: Iterable[Message]) -> list[str]:
    return [text_of(m) if isinstance(m, Frame) else type(m).__name__ for m in messages]


def pieces(*names: str) -> Iterator[list[str]]:
    """Of each piece as it is sent: what it consists of."""
    response = post_bundle(bundle_of(*names))
    decoder = FrameDecoder()
    for piece in response.streaming_content:  # type: ignore[attr-defined]  # it streams
        yield told(decoder.receive_data(piece))
    decoder.close()


async def pieces_async(*names: str) -> AsyncIterator[list[str]]:
    """As `pieces`, under ASGI."""
    response = await apost_bundle(bundle_of(*names))
    decoder = FrameDecoder()
    async for piece in response.streaming_content:  # type: ignore[attr-defined]  # it streams
        yield told(decoder.receive_data(piece))
    decoder.close()


@pytest.mark.django_db
@pytest.mark.usefixtures("_at_leisure")
def test_what_is_known_to_be_quick_comes_in_one_piece(pace: Pace) -> None:
    rendered("one", "two")

    assert list(pieces("one", "two")) == [["Head"], ["one"], ["two", "End"]]
    quick(pace, "one", "two")
    assert list(pieces("one", "two")) == [["Head", "one", "two", "End"]]


@pytest.mark.django_db
@pytest.mark.usefixtures("_at_leisure")
def test_nothing_that_is_ready_waits_for_a_slow_one(pace: Pace) -> None:
    order = rendered("quick", "slow", "last")
    quick(pace, "quick", "slow", "last")
    pace.learn("slow", 1.0)
    coming = pieces("quick", "slow", "last")

    assert (next(coming), order) == (["Head", "quick"], ["quick"])
    assert (next(coming), order) == (["slow"], ["quick", "slow"])
    assert list(coming) == [["last", "End"]]


@pytest.mark.django_db
@pytest.mark.usefixtures("_at_leisure")
async def test_under_asgi_too(pace: Pace) -> None:
    rendered("one", "two", "slow")
    quick(pace, "one", "two")
    found = [piece async for piece in pieces_async("one", "two", "slow")]

    assert found == [["Head", "one", "two"], ["slow", "End"]]


@pytest.mark.django_db
def test_one_that_stalls_after_all_holds_up_nothing_behind_it(
    pace: Pace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(second_pass, "TOGETHER", 0.5)
    fragment("stalls")(lambda request: time.sleep(0.6) or "stalls")
    rendered("one", "two")
    quick(pace, "stalls", "one", "two")

    assert list(pieces("stalls", "one", "two")) == [["Head", "stalls"], ["one", "two", "End"]]


@pytest.mark.django_db(transaction=True)
async def test_under_asgi_one_that_stalls_does_not_hold_up_the_head(pace: Pace) -> None:
    gate = threading.Event()
    fragment("stalls")(lambda request: gate.wait(30) and "stalls")
    quick(pace, "stalls")
    coming = pieces_async("stalls")

    assert await anext(coming) == ["Head"]
    gate.set()
    assert [piece async for piece in coming] == [["stalls", "End"]]


@pytest.mark.django_db
def test_what_runs_beside_does_not_hold_up_the_head(pace: Pace) -> None:
    fragment("beside", concurrent=True)(lambda request: "beside")
    rendered("one")
    quick(pace, "one", "beside")

    assert next(pieces("beside", "one")) == ["Head"]


def test_a_bundle_without_fragments_is_one_piece() -> None:
    assert list(pieces()) == [["Head", "End"]]
