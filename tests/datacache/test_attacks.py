"""What visitors, neighbours in the same Redis and mistakes could do, tried."""

import asyncio
import dataclasses
import logging
import sys
import zlib
from decimal import Decimal
from typing import Any

import msgpack
import pytest
from django.contrib.sessions.backends.cache import SessionStore
from django.http import HttpRequest
from django.views import View
from hypothesis import example, given
from hypothesis import strategies as st

from origin.datacache import BadKey, CachedModel, Loader, cached, layers, request_cache, stats
from origin.datacache.codec import Code, Unreadable, Unstorable, pack, unpack
from origin.datacache.entry import _PREFIX, Entry, decode
from origin.datacache.keys import entry_key, name_of
from tests.datacache.conftest import Begin
from tests.datacache.shop.models import Shelf, Shoe
from tests.datacache.test_levels import Source

# Names

TEXTS = st.text("a:#|,1None ", max_size=6)
ARGUMENTS = TEXTS | st.none() | st.booleans()


@given(st.tuples(ARGUMENTS, ARGUMENTS), st.tuples(ARGUMENTS, ARGUMENTS))
@example(("x", "y:z"), ("x:y", "z"))
@example((None, "a"), ("None", "a"))
def test_other_arguments_have_another_name_whatever_visitors_choose(
    one: tuple[object, object], other: tuple[object, object]
) -> None:
    names = {name_of("search:{a}:{b}", {"a": a, "b": b}) for a, b in (one, other)}

    assert len(names) == len({repr(one), repr(other)})


@given(ARGUMENTS, ARGUMENTS)
@example(None, "None#NoneType4")
def test_so_for_one_argument(one: object, other: object) -> None:
    names = {name_of("{a}", {"a": value}) for value in (one, other)}

    assert len(names) == len({repr(one), repr(other)})


def test_a_text_that_reads_like_a_digest_is_not_taken_for_one() -> None:
    long = entry_key("label", "schema", "x" * 500)
    _, _, ident = long.partition("schema")

    assert entry_key("label", "schema", ident) != long
    assert entry_key("label", "schema", ident.removeprefix(":")) != long


def test_keys_that_read_alike_are_two_values(shared: layers.Levels) -> None:
    class Echo(Loader[Any, str]):
        groups = ("echo:{key}",)

        def load(self, keys):
            return {key: repr(key) for key in keys}

    echo = Echo()
    keys = [1, "key=1", "1", "=1", (1,), "-"]

    assert echo.get_many(keys) == {key: repr(key) for key in keys}
    assert [echo.get(key) for key in keys] == [repr(key) for key in keys]


@pytest.mark.django_db(transaction=True)
def test_one_row_asked_for_by_number_and_by_text_is_there_under_both(
    shared: layers.Levels,
) -> None:
    class Shoes(CachedModel[Shoe]):
        model = Shoe

    Shoe.objects.create(pk=7, shelf=Shelf.objects.create(name="top"), name="Rain")
    for _ in range(2):
        found = Shoes().get_many([7, "7"])
        assert [shoe.pk for shoe in found.values()] == [7, 7]
        assert [*found] == [7, "7"]


def test_releases_that_name_values_otherwise_do_not_read_each_others(
    shared: layers.Levels,
) -> None:
    """The same code with another key: N-1 told values apart by country, N does by language."""

    def release(key: str) -> Any:
        def text(country: str, language: str) -> str:
            return f"{country} {language}"

        text.__qualname__ = "text"
        return cached(key=key, max_age=60)(text)

    by_country, by_language = release("{country}"), release("{language}")

    assert by_country("de", "en") == "de en"
    assert by_language("ch", "de") == "ch de"
    assert by_country("de", "fr") == "de en"


def test_releases_of_another_shape_run_side_by_side(shared: layers.Levels) -> None:
    def release(fields: list[tuple[str, type]], *values: object) -> Any:
        kind = dataclasses.make_dataclass("Offer", fields, frozen=True)
        kind.__module__ = __name__

        def offer() -> Any:
            return kind(*values)

        offer.__annotations__["return"] = kind
        offer.__qualname__ = "offer"
        return kind, cached(key="offer", max_age=60, groups=("offers",))(offer)

    releases = [
        release([("price", Decimal)], Decimal(1)),
        release([("price", Decimal), ("was", Decimal)], Decimal(1), Decimal(2)),
    ]
    for _ in range(2):
        for kind, offer in releases:
            sys.modules[__name__].Offer = kind
            shared.process.clear()
            assert type(offer()) is kind

    assert stats.snapshot()["hits_loader"] == 2
    assert stats.snapshot()["unreadable"] == 0


# Visitors


def test_a_visitor_is_no_argument_of_what_everybody_is_shown(shared: layers.Levels, rf) -> None:
    """Each of these would be made of one visitor and shown to all."""

    class Account(View):
        @cached(key=lambda self: "greeting", max_age=60)
        def greeting(self) -> str:
            return f"Hello {self.request.GET['name']}"

    @cached(key="basket:{request.LANGUAGE_CODE}", max_age=60)
    def basket(request: HttpRequest) -> str:
        return request.GET["name"]

    @cached(max_age=60, key="{language}")
    def texts(language: str, session: object = None) -> str:
        return language

    request = rf.get("/?name=ada")
    request.LANGUAGE_CODE = "en"
    view = Account()
    view.setup(request)
    for call in (
        view.greeting,
        lambda: basket(request),
        lambda: basket(request=request),
        lambda: texts("en", SessionStore()),
    ):
        with pytest.raises(BadKey, match="one visitor's"):
            call()
    assert texts("en") == "en"


def test_a_page_for_nobody_makes_no_value_of_a_visitor(shared: layers.Levels, client) -> None:
    """What a cached function looks up of the visitor by other ways, the guard of the page sees."""
    from origin.conf import get_settings
    from origin.report.asking import ask

    asked = ask(client, "/greeting/", "first", get_settings())

    assert asked.shell is None
    assert "guard" in asked.reason
    assert not any("greeting" in key for key in shared.process._held)


# Bytes

HOSTILE = [
    ["label", "9", 0, [], [0, 1e12, 1e12, 0]],
    ["label", 9, "0", [], [0, 1e12, 1e12, 0]],
    ["label", True, 0, [], [0, 1e12, 1e12, 0]],
    ["label", 9, 0, [7], [0, 1e12, 1e12, 0]],
    ["label", 9, 0, None, [0, 1e12, 1e12, 0]],
    [7, 9, 0, [], [0, 1e12, 1e12, 0]],
    ["label", 9, 0, [], ["0", 1, 1, 0]],
    ["label", 9, 0, [], [0, 1]],
    {"label": 9},
]


def forged(key: str, header: object, payload: bytes, flags: int = 0) -> bytes:
    """What somebody can write who knows the format: its checksum holds off accidents only."""
    packed = msgpack.packb(header)
    start = zlib.crc32(f"{flags} {len(packed)} {key}".encode())
    return _PREFIX.pack(b"2pd1", flags, zlib.crc32(packed + payload, start), len(packed)) + (
        packed + payload
    )


@pytest.mark.parametrize("header", HOSTILE, ids=repr)
def test_a_forged_header_is_unreadable(header: object) -> None:
    with pytest.raises(Unreadable):
        decode("key", forged("key", header, pack(1)))


def test_the_forger_of_these_tests_can_forge() -> None:
    data = forged("key", ["label", 9, 0, ["g"], [0, 1e12, 1e12, 0]], pack(7))

    assert decode("key", data).value() == 7


def nested(depth: int) -> bytes:
    """Tuples in tuples: without a bound, some hundreds end the process with a broken stack."""
    data = msgpack.packb(1)
    for _ in range(depth):
        data = msgpack.packb(msgpack.ExtType(Code.TUPLE, b"\x91" + data))
    return data


def test_values_nest_as_deep_as_they_can_be_read_again() -> None:
    value: object = 1
    for _ in range(40):
        value = (value,)
    assert unpack(pack(value)) == value
    for _ in range(40):
        value = (value,)
    with pytest.raises(Unstorable, match="deep"):
        pack(value)


@pytest.mark.parametrize(
    "data",
    [
        nested(2_000),
        b"\x91" * 100_000 + b"\xc0",
        b"\xdd\xff\xff\xff\xff",
        b"\xc6\xff\xff\xff\xff",
        msgpack.packb(msgpack.ExtType(Code.DATETIME, pack(["2026-01-01", 0, "../../etc/passwd"]))),
        msgpack.packb(msgpack.ExtType(Code.DATETIME, b"2026-13-01")),
        msgpack.packb(msgpack.ExtType(Code.DECIMAL, b"\xff")),
        msgpack.packb(msgpack.ExtType(Code.SET, pack([[]]))),
    ],
    ids=["deep", "lists", "array", "bytes", "zone", "date", "decimal", "unhashable"],
)
def test_a_forged_payload_is_unreadable_and_takes_no_memory(data: bytes) -> None:
    with pytest.raises(Unreadable):
        unpack(data)


def test_a_bomb_is_not_inflated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("origin.datacache.entry.MAX_INFLATED", 1_000_000)
    bomb = zlib.compress(b"\x00" * 50_000_000, 9)

    with pytest.raises(Unreadable, match="over"):
        decode("key", forged("key", ["l", 9, 0, [], [0, 1e12, 1e12, 0]], bomb, 1))


@pytest.mark.parametrize(
    ("code", "parts"),
    [
        (Code.ENUM, ["lazy", "Anything", "x"]),
        (Code.ENUM, ["lazy", "Anything.Inner", "x"]),
        (Code.DATACLASS, ["lazy", "Anything", "x", [1]]),
    ],
)
def test_no_name_in_a_cache_makes_a_module_import_anything(
    code: int, parts: list[object], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A module's own `__getattr__` imports what it is asked for; ours does."""
    import types

    asked: list[str] = []
    module = types.ModuleType("lazy")
    module.__dict__["__getattr__"] = lambda name: asked.append(name) or Entry
    monkeypatch.setitem(sys.modules, "lazy", module)

    with pytest.raises(Unreadable):
        unpack(
            msgpack.packb(
                msgpack.ExtType(code, pack(["lazy", "Anything", "x", [1]][: 2 + code % 3]))
            )
        )
    assert [name for name in asked if name == "Anything"] == []


@pytest.mark.parametrize("name", ["clock", "stamp"])
@pytest.mark.parametrize("data", ["garbage", "-1", "9" * 30, "nan", "1 2", b"\xff"])
def test_a_clock_or_stamp_that_is_none_costs_loads_and_fails_nobody(
    shared: layers.Levels, name: str, data: str | bytes
) -> None:
    source = Source()
    price = source.price()
    assert shared.link
    price(1)
    names = shared.commands.names
    shared.link.call([("SET", names.clock if name == "clock" else names.stamp("product:1"), data)])
    for value in (Decimal(2), Decimal(3)):
        source.value = value
        shared.invalidate(["product:1"])
        assert price(1) == value
        shared.process.clear()
        assert price(1) == value

    assert not shared.link.is_away
    assert not shared.has_pending


def test_a_message_that_is_none_fails_nobody_and_loses_nothing(
    shared: layers.Levels, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    source = Source()
    price = source.price()
    price(1)
    assert shared.link
    shared.invalidate(["other"])
    time = shared.link.call([("TIME",)])[0]  # after it: a stream takes no ID below its last
    hostile = f"{int(time[0]) * 1_000_000 + int(time[1]) + 1_000}-1"
    shared.link.call([("XADD", shared.commands.names.stream, hostile, "groups", b"\xc1")])
    source.value = Decimal(2)

    shared.invalidate(["product:1"])
    with request_cache():
        assert price(1) == Decimal(2)
    shared.process.clear()
    with request_cache():
        assert price(1) == Decimal(2)


# Memory


def test_a_task_that_reads_everything_stays_within_bounds(begin: Begin) -> None:
    """The request level, the process level, the memory of keys, of loads and of renewals."""

    class Rows(Loader[int, str]):
        groups = ("row:{key}",)

        def load(self, keys):
            return {key: f"row {key} " * 20 for key in keys}

    levels = begin(None, PROCESS_BYTES=500_000)
    rows = Rows()
    with request_cache() as level:
        for number in range(0, 30_000, 100):
            assert len(rows.get_many(range(number, number + 100))) == 100
        assert rows.get(29_999)

        assert len(level.values) <= 10_000
    assert levels.process.bytes <= 500_000
    assert not levels.flights._open
    assert not levels.renewer._held


def test_texts_of_visitors_are_not_kept_as_keys(begin: Begin) -> None:
    import tracemalloc

    begin(None, PROCESS_BYTES=100_000)

    @cached(key="search:{text}", max_age=60)
    def found(text: str) -> int:
        return len(text)

    found("warm")
    tracemalloc.start()
    for number in range(500):
        assert found(f"{number:010}" * 2_000) == 20_000
    taken = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()

    assert taken < 2_000_000  # and not 500 times 20 kB


# Herds


def test_a_herd_behind_a_failing_loader_ends(shared: layers.Levels) -> None:
    """All fail, nobody waits for ever, and it is one query at a time and not all at once."""
    from concurrent.futures import ThreadPoolExecutor

    at_once, most = 0, 0

    @cached(key="{n}", max_age=60)
    def broken(n: int) -> int:
        nonlocal at_once, most
        at_once += 1
        most = max(most, at_once)
        try:
            raise LookupError("no database")
        finally:
            at_once -= 1

    def read(_: int) -> str:
        try:
            broken(1)
        except LookupError as error:
            return str(error)
        return "?"

    with ThreadPoolExecutor(50) as pool:
        assert set(pool.map(read, range(50))) == {"no database"}
    assert most == 1
    assert not shared.flights._open


async def test_readers_that_are_cancelled_leave_no_flight_behind(shared: layers.Levels) -> None:
    @cached(key="{n}", max_age=60)
    async def slow(n: int) -> int:
        await asyncio.sleep(3600 if n else 0)
        return n

    task = asyncio.create_task(slow(1))
    await asyncio.sleep(0.05)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert not shared.flights._open
    assert not shared.renewer._held
    assert await slow(0) == 0
