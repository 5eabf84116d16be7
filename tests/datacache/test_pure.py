"""Policy, keys, schemas, entries, sharing and the clock: all without a server."""

import dataclasses
import sys
from collections import namedtuple
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from origin.datacache.clock import Clock, Message, Stamp, Verdict
from origin.datacache.codec import Unreadable, pack
from origin.datacache.demand import Demand
from origin.datacache.entry import Entry, decode, encode
from origin.datacache.keys import BadKey, argument_ident, entry_key, formatted
from origin.datacache.policy import Freshness, Policy, strictest
from origin.datacache.process_layer import Held, ProcessLayer
from origin.datacache.schema import fingerprint, fingerprint_of_function
from origin.datacache.shared_layer import as_demand
from tests.datacache.shop.models import Shelf, Shoe


def entry(value: object, *groups: str, at: int | None = 5, life: float = 1e12) -> Entry:
    return Entry("label", at, 0, groups, Freshness(0.0, life, life, 0.1), pack(value))


@pytest.mark.parametrize("values", [{"max_age": 0}, {"max_age": -1}, {"max_age": "1"}])
def test_a_policy_that_cannot_be_meant_is_refused(values: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="max_age"):
        Policy(**values)


@given(st.floats(1e-9, 1.0), st.floats(0, 100))
def test_early_renewal_is_before_the_end_and_not_before_the_middle(
    chance: float, seconds: float
) -> None:
    fresh = Freshness(100.0, 200.0, 250.0, seconds)

    assert 150.0 <= fresh.early(1.0, chance) <= 200.0


def test_a_slower_load_is_renewed_earlier_and_no_chance_means_at_the_end() -> None:
    quick, slow = Freshness(0, 100, 100, 0.1), Freshness(0, 100, 100, 10.0)

    assert slow.early(1.0, 0.5) < quick.early(1.0, 0.5) < quick.early(1.0, 1.0) == 100


def test_strictest() -> None:
    assert (strictest([None, 3, 2]), strictest([None])) == (2, None)


Point = namedtuple("Point", "x")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (1, "1"),
        (1, True),
        (1, 1.0),
        ((1,), [1]),
        ("a,b=c", "a"),
        (None, "None"),
        ({1: 2}, {"1": 2}),
    ],
)
def test_arguments_that_differ_have_other_names(one: object, other: object) -> None:
    assert argument_ident({"a": one}) != argument_ident({"a": other})


def test_order_of_sets_and_dicts_does_not_matter() -> None:
    assert argument_ident({"a": {1: 2, 3: 4}}) == argument_ident({"a": {3: 4, 1: 2}})
    assert argument_ident({"a": {"x", "y", "z"}}) == argument_ident({"a": {"z", "y", "x"}})


def test_what_no_key_can_be_made_of_says_so() -> None:
    with pytest.raises(BadKey, match="give key="):
        argument_ident({"request": object()})
    with pytest.raises(BadKey, match="does not fit"):
        formatted("p:{pk}", {"key": 1}, "group")


def test_long_keys_are_cut_and_stay_apart() -> None:
    one, other = (entry_key("label", "s", "x" * 500 + end) for end in "ab")

    assert one != other
    assert len(one) < 200


def test_another_code_type_or_version_is_another_schema() -> None:
    def one(a: int) -> int:
        return a + 1

    def other(a: int) -> int:
        return a + 2

    def typed(a: int) -> Shoe:
        raise NotImplementedError

    shapes = [fingerprint_of_function(f) for f in (one, other, typed)]
    assert len({*shapes, fingerprint_of_function(one, "2")}) == 4
    assert fingerprint_of_function(one) == shapes[0]


def test_another_field_is_another_shape() -> None:
    shapes = {
        fingerprint(dataclasses.make_dataclass("Same", fields))
        for fields in ([("a", int)], [("a", str)], [("a", int), ("b", int)])
    }
    assert len({*shapes, fingerprint(Shoe), fingerprint(Shelf)}) == 5


@pytest.mark.parametrize("size", [10, 10_000], ids=["plain", "deflated"])
def test_entries_come_back(size: int) -> None:
    made = entry("x" * size, "a", "b")

    data = encode("key", made, 2048)

    assert decode("key", data) == made
    assert len(data) < 1000


@given(st.data())
def test_a_damaged_entry_is_unreadable(data: st.DataObject) -> None:
    good = encode("key", entry("x" * 3000), 2048)
    at = data.draw(st.integers(0, len(good) - 1))
    bit = 1 << data.draw(st.integers(0, 7))
    damaged = good[:at] + bytes([good[at] ^ bit]) + good[at + 1 :]

    with pytest.raises(Unreadable):
        decode("key", damaged)


def test_an_entry_under_another_key_or_cut_is_unreadable() -> None:
    good = encode("key", entry("x"), 2048)

    for key, data in [
        ("other", good),
        ("key", good[:-1]),
        ("key", b""),
        ("key", b"\x80\x04K\x01."),
    ]:
        with pytest.raises(Unreadable):
            decode(key, data)


def test_readers_cannot_change_what_others_read() -> None:
    rows = Held("k", entry([1, 2]), 1e12)
    row = Held("k", entry(Shoe(pk=1, shelf=Shelf(pk=2, name="top"), name="Rain")), 1e12)

    rows.get().append(3)
    shoe = row.get()
    shoe.name = "changed"
    shoe.shelf.name = "changed"

    assert rows.get() == [1, 2]
    assert (row.get().name, row.get().shelf.name) == ("Rain", "top")


def test_the_process_level_stays_within_its_bytes_under_a_scan() -> None:
    import tracemalloc

    layer = ProcessLayer(2_000_000)
    hot = Held("hot", entry(Decimal(1), "hot"), 1e12)
    layer.put(hot)
    tracemalloc.start()
    for number in range(20_000):
        layer.put(Held(f"key {number}", entry(f"{number}" * 50, f"group:{number}"), 1e12))
        if number % 10 == 0:
            assert layer.get("hot") is hot
            hot.is_marked = True
    taken = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()

    assert layer.bytes <= layer.limit
    assert taken < 1.25 * layer.limit
    assert layer.evictions > 15_000
    assert len(layer._by_group) == len(layer)


def test_what_is_too_large_for_the_process_level_drives_nothing_out() -> None:
    layer = ProcessLayer(10_000)
    layer.put(Held("a", entry("x", "g"), 1e12))

    assert layer.put(Held("b", entry("x" * 20_000), 1e12)) is False
    assert layer.get("a")


def test_groups_of_the_process_level() -> None:
    layer = ProcessLayer(100_000)
    for name, groups in {"a": ("x",), "b": ("x", "y"), "c": ("z",)}.items():
        layer.put(Held(name, entry(name, *groups), 1e12))

    layer.invalidate(["y"], soft=True)
    assert layer.get("b").soft
    layer.invalidate(["x"], soft=False)
    assert [layer.get(key) is not None for key in "abc"] == [False, False, True]
    layer.invalidate(["*"], soft=False)
    assert (len(layer), layer.bytes, layer._by_group) == (0, 0, {})


def test_what_was_loaded_after_an_invalidation_survives_its_echo() -> None:
    layer = ProcessLayer(100_000)
    layer.put(Held("a", entry("a", "x", at=10), 1e12))

    layer.invalidate(["x"], 10, soft=False)
    assert layer.get("a")
    layer.invalidate(["x"], 11, soft=False)
    assert layer.get("a") is None


def test_the_clock_judges_what_it_has_heard_of() -> None:
    clock = Clock()
    clock.begin(10)
    clock.apply([Message(10, 11, ("a",)), Message(11, 12, ("b",), soft=True)])

    assert clock.judge(10, ["a"]) is Verdict.DROPPED
    assert clock.judge(11, ["a"]) is Verdict.VALID
    assert clock.judge(11, ["b"]) is Verdict.SOFT
    assert clock.judge(9, ["c"]) is Verdict.UNKNOWN
    assert clock.judge(None, ["c"]) is Verdict.UNKNOWN


def test_a_gap_is_noticed_and_an_echo_is_not_taken_for_one() -> None:
    gaps: list[int] = []
    clock = Clock(on_gap=lambda: gaps.append(1))
    clock.begin(10)

    assert clock.apply([Message(10, 11, ("a",)), Message(10, 11, ("a",))])
    assert not gaps
    assert not clock.apply([Message(12, 13, ("a",))])
    assert gaps
    assert (clock.position, clock.judge(12, [])) == (13, Verdict.UNKNOWN)


def test_fills_that_an_invalidation_overtook_are_not_kept() -> None:
    clock, kept = Clock(), []
    since = clock.sequence
    clock.tell(["a"])

    assert clock.keep(since, ["b"], lambda: kept.append("b"))
    assert not clock.keep(since, ["a"], lambda: kept.append("a"))
    clock.tell(["*"])
    assert not clock.keep(since, ["b"], lambda: kept.append("b"))
    assert kept == ["b"]


def test_the_clock_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules[Clock.__module__], "MAX_STAMPS", 10)
    clock = Clock()
    clock.begin(0)
    clock.apply(Message(n, n + 1, (f"g{n}",)) for n in range(100))

    assert clock.base == 90
    assert clock.judge(50, ["g40"]) is Verdict.UNKNOWN
    assert not clock.keep(50, ["unheard-of"], lambda: None)
    assert clock.judge(95, ["g98"]) is Verdict.DROPPED


def test_no_position_is_forgotten_by_a_gap() -> None:
    """Which groups the newest transactions were of is: so each may have been one of them."""
    clock = Clock()
    clock.begin(10)
    clock.apply([Message(10, 11, ("a",), lsn=7)])
    assert (clock.lsn_of(["a"]), clock.lsn_of(["b"])) == (7, 0)

    clock.apply([Message(12, 13, ("b",), lsn=5)])

    assert [clock.lsn_of([name]) for name in "ab"] == [7, 7]


def test_positions_that_make_room_stay_a_floor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules[Clock.__module__], "MAX_STAMPS", 10)
    clock = Clock()
    for number in range(1, 31):
        clock.tell([f"g{number}"], number)

    assert [clock.lsn_of([name]) for name in ("g1", "g20", "g25", "new")] == [20, 20, 25, 20]


def test_what_the_primary_said_before_a_gap_says_nothing_of_it() -> None:
    clock = Clock()
    assert not clock.knows_floor
    gaps = clock.gaps
    clock.learn_floor(7, gaps)
    assert clock.knows_floor
    assert clock.lsn_of(["a"]) == 7

    clock.forget_floor()
    clock.learn_floor(8, gaps)

    assert not clock.knows_floor
    assert clock.lsn_of(["a"]) == 7


@pytest.mark.parametrize(
    ("floor", "stamps", "expected"),
    [
        (b"5 9", [Stamp(1, 0, 3)], Demand(5)),
        (b"5 9", [Stamp(1, 0, 7)], Demand(7)),
        (b"5 9", [None, Stamp(1, 0, 7)], Demand(9)),
        (b"- 9", [Stamp(1, 0, 7)], Demand(7, ask=True)),
        (None, [Stamp(1, 0, 7)], Demand(7, ask=True)),
        (b"garbage", [None], Demand(0, ask=True)),
    ],
)
def test_how_new_a_load_must_be(
    floor: bytes | None, stamps: list[Stamp | None], expected: Demand
) -> None:
    assert as_demand(floor, stamps) == expected
