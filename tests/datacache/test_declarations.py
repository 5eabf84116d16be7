"""What a declaration may say, and which values it keeps apart."""

import asyncio
import dataclasses
import sys
from collections.abc import Callable
from typing import Any

import pytest
from django.db.models import Model, Prefetch, QuerySet

from origin.datacache import BadKey, CachedModel, Loader, cached, layers, schema, stats
from origin.datacache.schema import fingerprint_of_queryset
from tests.datacache.shop.models import Lace, Shelf, Shoe, Tag


@pytest.mark.parametrize("key", [None, "total", "x:{factor}", "{self}", "{self!r}", "{me.pk}"])
def test_a_method_whose_key_does_not_name_its_instance_is_refused(key: str | None) -> None:
    """Or one customer's value would be another's."""
    with pytest.raises(BadKey, match=r"key='…\{self\.pk\}'"):

        class Cart:
            @cached(key=key, max_age=60)
            def total(self, factor: int = 1) -> int:
                raise NotImplementedError


@pytest.mark.parametrize("key", ["{self.pk}:{factor}", lambda cart, factor: f"{cart.pk}:{factor}"])
def test_a_method_with_a_key_of_its_instance_keeps_instances_apart(key: Any) -> None:
    class Cart:
        def __init__(self, pk: int) -> None:
            self.pk = pk

        @cached(key=key, max_age=60, groups=("cart:{self.pk}",))
        def total(self, factor: int) -> int:
            return self.pk * factor

    assert [Cart(pk).total(factor) for pk in (1, 2, 1) for factor in (1, 10)] == [
        *(1, 10),
        *(2, 20),
        *(1, 10),
    ]


def test_a_class_method_names_its_class() -> None:
    class Cart:
        rate = 1

        @classmethod
        @cached(key="{cls.__qualname__}", max_age=60)
        def vat(cls) -> int:
            return cls.rate

    class Other(Cart):
        rate = 2

    assert (Cart.vat(), Other.vat(), Cart.vat()) == (1, 2, 1)


def test_classes_that_have_a_method_in_common_share_no_value() -> None:
    class Named:
        pk = 1

        @cached(key="{self.pk}", max_age=60)
        def title(self) -> str:
            return type(self).__name__

    class Shirt(Named):
        pass

    assert (Named().title(), Shirt().title(), Named().title()) == ("Named", "Shirt", "Named")


def test_a_row_that_is_not_saved_has_no_key_yet() -> None:
    @cached(key="{shoe.pk}", max_age=60)
    def shown(shoe: Shoe) -> str:
        return shoe.name

    with pytest.raises(BadKey, match="not saved"):
        shown(Shoe(name="Rain"))


def test_methods_are_known_by_where_they_stand_too() -> None:
    with pytest.raises(BadKey, match="this"):

        class Cart:
            @cached(key="{factor}", max_age=60)
            def total(this, factor: int) -> int:
                raise NotImplementedError


@pytest.mark.parametrize("wrapper", [classmethod, staticmethod, property])
def test_the_decorator_stands_below_those_of_methods(wrapper: Callable[..., Any]) -> None:
    with pytest.raises(BadKey, match="below"):
        cached(max_age=60)(wrapper(lambda: 1))


def test_a_bound_method_is_refused() -> None:
    class Cart:
        def total(self) -> int:
            raise NotImplementedError

    with pytest.raises(BadKey, match="bound"):
        cached(max_age=60)(Cart().total)


class Anonymous:
    """Its text is its address, which another may have a moment later."""


@dataclasses.dataclass
class Named:
    name: str


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("{it}", Shoe(pk=1, name="Rain")),
        ("{it!s}", Shoe(pk=1, name="Rain")),
        ("{it[0]}", [Shoe(pk=1, name="Rain")]),
        ("{it}", [Shoe(pk=1, name="Rain")]),
        ("{it}", {"shoe": (Shoe(pk=1, name="Rain"),)}),
        ("{it}", Shoe.objects.all()),
        ("{it}", Anonymous()),
        ("{it}", lambda: 1),
        (lambda it: it, Shoe(pk=1, name="Rain")),
    ],
    ids=lambda item: type(item).__name__,
)
def test_what_has_no_text_of_its_own_is_no_key(key: Any, value: object) -> None:
    """Two rows called "Rain" are two rows."""

    @cached(key=key, max_age=60)
    def shown(it: Any) -> str:
        raise NotImplementedError

    with pytest.raises(BadKey, match=r"\.pk"):
        shown(value)


def test_parts_and_values_with_a_text_are_keys() -> None:
    @cached(key="{it.pk}:{what}", max_age=60)
    def shown(it: Shoe, what: object) -> str:
        return f"{it.pk} {what}"

    rows = Shoe(pk=1, name="Rain"), Shoe(pk=2, name="Rain")
    named = Named("a"), [1, "b"]

    assert [shown(row, what) for row in rows for what in named] == [
        f"{row.pk} {what}" for row in rows for what in named
    ]


def test_rows_as_arguments_are_told_apart_by_all_that_they_hold() -> None:
    """Also by what a query has put on them beside their fields."""

    @cached(max_age=60)
    def shown(shoe: Shoe) -> str:
        return f"{shoe.pk} {shoe.name} {getattr(shoe, 'discount', 0)}"

    def row(pk: int, name: str = "Rain", **annotations: int) -> Shoe:
        made = Shoe(pk=pk, name=name, shelf=Shelf(pk=3))
        made.__dict__.update(annotations)
        return made

    rows = row(1), row(2), row(1, "Sun"), row(1, discount=5), row(1, discount=6)
    assert [shown(item) for item in rows] == [
        *("1 Rain 0", "2 Rain 0", "1 Sun 0"),
        *("1 Rain 5", "1 Rain 6"),
    ]
    assert [shown(item) for item in rows[:1]] == ["1 Rain 0"]


# What a release with another shape reads


QUERYSETS: dict[str, QuerySet[Any]] = {
    "plain": Tag.objects.all(),
    "shoes": Tag.objects.prefetch_related("shoes"),
    "laces": Tag.objects.prefetch_related("shoes__laces"),
    "some": Tag.objects.prefetch_related(Prefetch("shoes", Shoe.objects.filter(price=1))),
    "none": Tag.objects.prefetch_related(Prefetch("shoes", Shoe.objects.none())),
    "named": Tag.objects.prefetch_related(Prefetch("shoes", Shoe.objects.all(), "pairs")),
    "deep": Tag.objects.prefetch_related(
        Prefetch("shoes", Shoe.objects.prefetch_related("laces")),
    ),
    "selected": Lace.objects.select_related("shoe__shelf"),
}


def test_what_is_prefetched_is_part_of_the_shape() -> None:
    shapes = {name: fingerprint_of_queryset(found) for name, found in QUERYSETS.items()}

    assert len({*shapes.values()}) == len(shapes)


@pytest.mark.parametrize(
    ("name", "model"),
    [
        *[("shoes", Shoe), ("laces", Shoe), ("laces", Lace), ("some", Shoe), ("deep", Lace)],
        *[("selected", Shoe), ("selected", Shelf)],
    ],
)
def test_another_field_of_a_model_that_comes_along_is_another_shape(
    name: str, model: type[Model], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = fingerprint_of_queryset(QUERYSETS[name])
    known = schema.fingerprint
    monkeypatch.setattr(
        schema, "fingerprint", lambda kind: "another" if kind is model else known(kind)
    )

    assert fingerprint_of_queryset(QUERYSETS[name]) != before


def test_rows_with_others_are_other_entries() -> None:
    def release(queryset: QuerySet[Tag]) -> CachedModel[Tag]:
        class Tags(CachedModel[Tag]):
            model = Tag

            def queryset(self) -> QuerySet[Tag]:
                return queryset

        return Tags()

    keys = {release(QUERYSETS[name]).definition.key(1) for name in ("plain", "shoes", "laces")}
    assert len(keys) == 3


def test_what_a_loader_says_it_holds_is_part_of_its_shape() -> None:
    def release(kind: Any) -> Loader[int, Any]:
        class Offers(Loader[int, kind]):
            def load(self, keys):
                raise NotImplementedError

        return Offers()

    other = dataclasses.make_dataclass("Named", [("name", str), ("more", int)])
    other.__module__ = __name__

    assert release(Named).schema() == release(Named).schema()
    assert release(Named).schema() != release(other).schema()


def test_a_shape_that_no_annotation_shows_is_a_miss(shared: layers.Levels) -> None:
    """Two releases then drive each other's values out, but read none of them."""
    this = sys.modules[__name__]

    @cached(key="offers", max_age=60)
    def offers() -> Any:
        return [this.Named(*["a"] * len(dataclasses.fields(this.Named)))]

    releases = [Named, dataclasses.make_dataclass("Named", [("name", str), ("more", str)])]
    releases[1].__module__ = __name__
    try:
        for kind in releases * 2:
            this.Named = kind  # type: ignore[misc]
            shared.process.clear()
            assert type(offers()[0]) is kind
    finally:
        this.Named = releases[0]  # type: ignore[misc]

    assert stats.snapshot()["hits_loader"] == 4
    assert stats.snapshot()["unreadable"] == 3


# Loaders


class Doubles(Loader[int, int]):
    """Loads in an event loop."""

    async def load(self, keys):
        await asyncio.sleep(0)
        return {key: key * 2 for key in keys if key > 0}


def test_a_loader_may_be_async(shared: layers.Levels) -> None:
    doubles = Doubles()
    for _ in range(2):
        assert doubles.get(1) == 2
        assert doubles.get(-1) is None
        assert doubles.get_many([1, 2, -1]) == {1: 2, 2: 4}


async def test_a_loader_may_be_async_in_an_event_loop(shared: layers.Levels) -> None:
    doubles = Doubles()
    for _ in range(2):
        assert await doubles.aget(1) == 2
        assert await doubles.aget_many([1, 2, -1]) == {1: 2, 2: 4}


def test_a_loader_with_arguments_of_its_own_is_refused() -> None:
    """Or the values of one currency would be those of the next."""
    with pytest.raises(TypeError, match="tell the values of two instances apart"):

        class Prices(Loader[int, int]):
            def __init__(self, currency: str) -> None:
                raise NotImplementedError
