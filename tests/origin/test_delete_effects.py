"""What a delete changes elsewhere without a signal is purged, too."""

from __future__ import annotations

import pytest

from origin import stored_groups

from .recorded_outbox import RecordedOutbox
from .stock.models import (
    Big,
    Box,
    Brand,
    Category,
    Leaflet,
    Offer,
    Product,
    Sticker,
    Tag,
    unknown_brand,
)

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def brand(outbox: RecordedOutbox) -> Brand:
    return Brand.objects.create(name="Ling")


@pytest.mark.parametrize(
    ("field", "group", "has_fallback"),
    [("nulled", "nulled", False), ("defaulted", "defaulted", False), ("given", "set", True)],
)
def test_rows_that_lose_what_they_point_to(
    brand: Brand, outbox: RecordedOutbox, field: str, group: str, has_fallback: bool
) -> None:
    fallback = unknown_brand().pk if has_fallback else None
    offer = Offer.objects.create(name="x", **{field: brand})
    outbox.purges.clear()
    was = brand.pk

    brand.delete()

    assert {f"offer:{offer.pk}", f"{group}:{was}", f"{group}:{fallback}"} <= outbox.groups


@pytest.mark.parametrize(
    "delete",
    [
        lambda brand: Brand.objects.all().delete(),
        lambda brand: Big.objects.get(pk=brand.pk).delete(),
        lambda brand: Big.objects.all().delete(),
    ],
    ids=["by queryset", "of a proxy", "of proxies"],
)
def test_every_way_to_delete(brand: Brand, outbox: RecordedOutbox, delete) -> None:
    offer = Offer.objects.create(name="x", nulled=brand)
    outbox.purges.clear()

    delete(brand)

    assert f"offer:{offer.pk}" in outbox.groups


def test_a_child_loses_what_its_parent_points_to(brand: Brand, outbox: RecordedOutbox) -> None:
    leaflet = Leaflet.objects.create(name="x", brand=brand)
    outbox.purges.clear()
    was = brand.pk

    brand.delete()

    assert {f"leaflet:{leaflet.pk}", f"leaflets:{was}", "leaflets:None"} <= outbox.groups


@pytest.mark.parametrize(("field", "after"), [("box", set()), ("lid", {"lid:None"})])
def test_what_hangs_on_rows_that_the_database_deletes(
    brand: Brand, outbox: RecordedOutbox, field: str, after: set[str]
) -> None:
    box = Box.objects.create(name="x", brand=brand)
    sticker = Sticker.objects.create(name="x", **{field: box})
    outbox.purges.clear()

    brand.delete()

    assert {f"sticker:{sticker.pk}", f"{field}:{box.pk}", *after} <= outbox.groups


def test_both_sides_of_an_automatic_many_to_many_table(outbox: RecordedOutbox) -> None:
    category = Category.objects.create(name="tea")
    product = Product.objects.create(name="Oolong", category=category)
    green = Tag.objects.create(name="green")
    product.tags.add(green)
    outbox.purges.clear()

    green.delete()
    assert {"tag:green", f"product:{product.pk}", f"category:{category.pk}"} <= outbox.groups
    product.tags.add(Tag.objects.create(name="black"))
    outbox.purges.clear()
    product.delete()
    assert "tag:black" in outbox.groups


def test_others_that_point_elsewhere_are_left_alone(brand: Brand, outbox: RecordedOutbox) -> None:
    Offer.objects.create(name="x", nulled=Brand.objects.create(name="other"))
    outbox.purges.clear()

    brand.delete()

    assert outbox.purges == []


def test_too_many_rows_to_name_purge_everything(
    brand: Brand, outbox: RecordedOutbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(3):
        Offer.objects.create(name=str(number), nulled=brand)
    monkeypatch.setattr(stored_groups, "MOST_ROWS", 2)
    outbox.purges.clear()

    brand.delete()

    assert outbox.dropped_everything
