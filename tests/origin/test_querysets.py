"""`update` and `bulk_create`: what they purge, and what they ask for it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db import connection
from django.db.models import Count, F
from django.test.utils import CaptureQueriesContext

from origin import stored_groups
from origin.querysets import InvalidatingQuerySet

from .recorded_outbox import RecordedOutbox
from .stock.models import Brand, Category, Offer, Product, Tag

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _watched(outbox: RecordedOutbox) -> None:
    """Every test has an outbox."""


@pytest.fixture
def tea() -> Category:
    return Category.objects.create(name="tea")


@pytest.fixture
def cups() -> Category:
    return Category.objects.create(name="cups")


@pytest.fixture
def product(tea: Category, cups: Category, outbox: RecordedOutbox) -> Product:
    product = Product.objects.create(name="Oolong", category=tea)
    outbox.purges.clear()
    return product


@pytest.mark.parametrize(
    ("changes", "reads"),
    [
        (lambda cups: {"category": cups}, 1),
        (lambda cups: {"category_id": cups.pk}, 1),
        (lambda cups: {"category": str(cups.pk)}, 1),
        (lambda cups: {"category": F("price")}, 2),
    ],
    ids=["an instance", "a key", "a text", "an expression"],
)
def test_where_an_update_moves_rows_is_asked_only_if_its_values_do_not_say(
    product: Product,
    cups: Category,
    outbox: RecordedOutbox,
    changes: Callable[[Category], dict[str, object]],
    reads: int,
) -> None:
    Product.objects.update(price=cups.pk)
    outbox.purges.clear()

    with CaptureQueriesContext(connection) as queries:
        Product.objects.filter(pk=product.pk).update(**changes(cups))

    assert [query["sql"][:6] for query in queries].count("SELECT") == reads
    product.refresh_from_db()
    assert product.category == cups
    assert f"category:{cups.pk}" in outbox.groups


def test_an_update_to_null(outbox: RecordedOutbox) -> None:
    brand = Brand.objects.create(name="Ling")
    Offer.objects.create(name="x", nulled=brand)
    outbox.purges.clear()

    Offer.objects.update(nulled=None)

    assert {f"nulled:{brand.pk}", "nulled:None"} <= outbox.groups


def test_an_update_of_more_rows_than_anybody_names_purges_everything(
    product: Product, tea: Category, outbox: RecordedOutbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    Product.objects.bulk_create([Product(name=str(n), category=tea) for n in range(3)])
    monkeypatch.setattr(stored_groups, "MOST_ROWS", 2)
    outbox.purges.clear()

    assert Product.objects.update(price=7) == 4

    assert outbox.dropped_everything


def test_an_update_of_keys_purges_everything(product: Product, outbox: RecordedOutbox) -> None:
    Product.objects.update(id=F("id") + 100)

    assert outbox.dropped_everything


@pytest.mark.parametrize(
    "choose",
    [
        lambda them: them.annotate(n=Count("tags")).filter(n__gt=1),
        lambda them: them.filter(tags__name__startswith="t").distinct(),
        lambda them: them.filter(category__name="tea").select_related("category"),
        lambda them: them.order_by("name").only("name"),
    ],
    ids=["aggregates", "distinct", "another table", "order"],
)
def test_every_kind_of_query(
    product: Product,
    outbox: RecordedOutbox,
    choose: Callable[[InvalidatingQuerySet[Product]], InvalidatingQuerySet[Product]],
) -> None:
    product.tags.add(*(Tag.objects.create(name=f"t{n}") for n in range(2)))
    outbox.purges.clear()

    assert choose(Product.objects.all()).update(price=7) == 1

    product.refresh_from_db()
    assert product.price == 7
    assert f"product:{product.pk}" in outbox.groups


# --- bulk_create


def test_an_upsert_that_moves_a_row_purges_both_places(
    product: Product, tea: Category, cups: Category, outbox: RecordedOutbox
) -> None:
    Product.objects.bulk_create(
        [Product(pk=product.pk, name="Oolong", category=cups), Product(name="new", category=cups)],
        update_conflicts=True,
        update_fields=["category"],
        unique_fields=["pk"],
    )

    assert {f"category:{tea.pk}", f"category:{cups.pk}"} <= outbox.groups
    assert not outbox.dropped_everything


def test_an_upsert_by_another_unique_field_purges_the_rows_own_key(outbox: RecordedOutbox) -> None:
    brands = [Brand.objects.create(name=str(n)) for n in range(2)]
    stored = Offer.objects.create(number=1, name="x", nulled=brands[0])
    outbox.purges.clear()

    Offer.objects.bulk_create(
        [
            Offer(pk=stored.pk + 100, number=1, name="y", nulled=brands[1]),
            Offer(number=2, name="z"),
        ],
        update_conflicts=True,
        update_fields=["name", "nulled"],
        unique_fields=["number"],
    )

    stored.refresh_from_db()
    assert (stored.name, stored.nulled) == ("y", brands[1])
    expected = {f"offer:{stored.pk}", *(f"nulled:{brand.pk}" for brand in brands)}
    assert expected <= outbox.groups
    assert not outbox.dropped_everything


def test_an_upsert_by_what_only_the_database_knows_purges_everything(
    outbox: RecordedOutbox,
) -> None:
    Offer.objects.bulk_create(
        [Offer(number=None, name="z")],
        update_conflicts=True,
        update_fields=["name"],
        unique_fields=["number"],
    )

    assert outbox.dropped_everything


def test_rows_made_beside_conflicts_are_purged_by_the_keys_they_got(outbox: RecordedOutbox) -> None:
    Offer.objects.create(number=1, name="x")
    outbox.purges.clear()

    Offer.objects.bulk_create([Offer(number=1), Offer(number=2)], ignore_conflicts=True)

    assert f"offer:{Offer.objects.get(number=2).pk}" in outbox.groups
    assert not outbox.dropped_everything


def test_rows_made_beside_conflicts_that_cannot_be_found_purge_everything(
    product: Product, tea: Category, outbox: RecordedOutbox
) -> None:
    Product.objects.bulk_create([Product(name="x", category=tea)], ignore_conflicts=True)

    assert outbox.dropped_everything
