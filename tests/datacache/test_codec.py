"""What is stored comes back exactly, and nothing in a cache can make a process do anything."""

import contextlib
import dataclasses
import datetime as dt
import enum
import pickle
import uuid
import zoneinfo
from decimal import Decimal

import msgpack
import pytest
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext_lazy
from hypothesis import given
from hypothesis import strategies as st

from origin.datacache.codec import Code, Unreadable, Unstorable, pack, unpack
from tests.datacache.shop.models import Plain, Shelf, Shoe, Size


class Colour(enum.IntEnum):
    RED = 1


@dataclasses.dataclass(frozen=True)
class Offer:
    price: Decimal
    until: dt.date | None = None


@dataclasses.dataclass
class Wrong:
    price: Decimal


BERLIN = zoneinfo.ZoneInfo("Europe/Berlin")
EXACT = [
    *(None, True, False, 0, -1, 2**63, 2**64, -(2**200), 1.5, "", "ä", b"\x00"),
    *(Decimal("1.10"), Decimal("NaN"), Decimal("-0"), Decimal("1E+50")),
    dt.datetime(2026, 10, 25, 2, 30, fold=1, tzinfo=BERLIN),
    dt.datetime(2026, 10, 25, 2, 30, fold=0, tzinfo=BERLIN),
    dt.datetime(2026, 1, 1, tzinfo=dt.UTC),
    dt.datetime(2026, 1, 1, 1, 2, 3, 4),
    dt.datetime(2026, 1, 1, tzinfo=dt.timezone(dt.timedelta(hours=5, minutes=30))),
    *(dt.date(2026, 1, 1), dt.time(1, 2, 3, 4), dt.timedelta(days=-1, microseconds=1)),
    *(uuid.UUID(int=7), Size.LARGE, Colour.RED, (1, (2, [3])), {1, 2}, frozenset({"a"})),
    *({1: "a", "1": "b", (1, 2): Decimal(1), None: 0}, Offer(Decimal("1.10")), [Offer(Decimal(2))]),
]


@pytest.mark.parametrize("value", EXACT, ids=repr)
def test_values_come_back_as_they_were(value: object) -> None:
    found = unpack(pack(value))

    assert repr(found) == repr(value)
    assert type(found) is type(value)


values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text()
    | st.binary()
    | st.decimals(allow_nan=False)
    | st.datetimes(timezones=st.sampled_from([dt.UTC, BERLIN]) | st.none())
    | st.dates()
    | st.timedeltas()
    | st.uuids(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner) | st.tuples(inner, inner),
    max_leaves=10,
)


@given(values)
def test_any_value_comes_back(value: object) -> None:
    found = unpack(pack(value))

    assert found == value
    assert repr(found) == repr(value)


@given(st.binary(max_size=200))
def test_any_bytes_are_a_value_or_unreadable(data: bytes) -> None:
    with contextlib.suppress(Unreadable):
        unpack(data)


def test_safe_text_stays_safe_and_other_text_does_not_become_so() -> None:
    assert type(unpack(pack(mark_safe("<b>")))) is SafeString
    assert type(unpack(pack("<b>"))) is str


def test_rows_come_back_with_what_was_selected() -> None:
    shoe = Shoe(pk=7, shelf=Shelf(pk=3, name="top"), name="Rain", price=Decimal("9.90"))

    found = unpack(pack(shoe))

    assert (found, found.price, found.shelf.name) == (shoe, Decimal("9.90"), "top")
    assert found._state.adding is False
    assert type(found.size) is type(shoe.size)


@pytest.mark.django_db
def test_prefetched_rows_come_back_with_the_way_back(django_assert_num_queries) -> None:
    shelf = Shelf.objects.create(name="top")
    Shoe.objects.create(shelf=shelf, name="Rain")
    data = pack(list(Shelf.objects.prefetch_related("shoes")))

    with django_assert_num_queries(0):
        (found,) = unpack(data)
        (shoe,) = found.shoes.all()

        assert (shoe.name, shoe.shelf is found) == ("Rain", True)


def test_deferred_fields_stay_deferred() -> None:
    row = Plain.from_db("default", ["id"], [7])

    assert unpack(pack(row)).get_deferred_fields() == {"name", "tags"}


@pytest.mark.parametrize(
    ("value", "advice"),
    [
        (object(), "cannot be stored"),
        (gettext_lazy("Monday"), "lazy text"),
        (Shoe.objects.all(), r"list\(queryset\)"),
        (lambda: 1, "cannot be stored"),
        ("\ud800", "cannot be stored"),
    ],
    ids=["object", "lazy", "queryset", "function", "surrogate"],
)
def test_what_cannot_be_stored_says_what_to_give_instead(value: object, advice: str) -> None:
    with pytest.raises(Unstorable, match=advice):
        pack([value])


def test_a_pickle_is_never_opened() -> None:
    class Bomb:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return pytest.fail, ("the pickle was opened",)

    with pytest.raises(Unreadable):
        unpack(pickle.dumps(Bomb()))


@pytest.mark.parametrize(
    ("code", "parts"),
    [
        (Code.ENUM, ["antigravity", "Anything", "A"]),
        (Code.ENUM, ["os", "system", "A"]),
        (Code.DATACLASS, ["os", "popen", "x", ["true"]]),
        (Code.DATACLASS, [__name__, "Wrong", "another-shape", [1]]),
        (Code.MODEL, ["shop.Nothing", "x", [], [], {}, {}]),
        (Code.MODEL, ["shop.Shoe", "another-shape", ["id"], [1], {}, {}]),
        (99, [1]),
    ],
)
def test_names_of_what_is_not_ours_open_nothing(code: int, parts: list[object]) -> None:
    import sys

    with pytest.raises(Unreadable):
        unpack(msgpack.packb(msgpack.ExtType(code, pack(parts))))
    assert "antigravity" not in sys.modules
