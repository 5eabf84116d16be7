"""Rows that another connection moves while we change them: PostgreSQL, without any luck."""

from collections.abc import Iterator

import pytest
from django.db import connection, transaction

from origin.datacache import layers
from tests.datacache.moving import after_first
from tests.datacache.postgresql import aliases
from tests.datacache.shop.cached import shoes
from tests.datacache.shop.models import Boot, Lace, Poster, Shelf, Shoe, Tag


@pytest.fixture
def shelf(monkeypatch, django_db_blocker, postgres_database, shared) -> Iterator[Shelf]:
    values = postgres_database.cluster.primary.django_settings(postgres_database.name)
    database = {**values, "ENGINE": "django.db.backends.postgresql"}
    with django_db_blocker.unblock(), aliases(monkeypatch, {"default": database}):
        with connection.schema_editor() as editor:
            for model in (Shelf, Shoe, Tag, Poster, Lace, Boot):
                editor.create_model(model)
        shelf = Shelf.objects.create(name="top")
        for number in (1, 2):
            Shoe.objects.create(pk=number, shelf=shelf, name="dry", price=1)
        yield shelf
        layers.reset_levels()


@pytest.mark.parametrize("field", ["name", "tags__name"], ids=["its own table", "another table"])
def test_a_row_that_comes_to_match_while_an_update_runs_is_not_changed_unseen(
    shelf: Shelf, postgres_database, field: str
) -> None:
    wet = Tag.objects.create(name="wet")
    wet.shoes.add(1)
    Shoe.objects.filter(pk=1).update(name="wet")
    assert shoes.get(2).price == 1

    comes = "UPDATE shop_shoe SET name = 'wet' WHERE id = 2"
    tagged = f"INSERT INTO shop_tag_shoes (tag_id, shoe_id) VALUES ({wet.pk}, 2)"
    with after_first("SELECT", postgres_database, comes, tagged):
        assert Shoe.objects.filter(**{field: "wet"}).update(price=9) == 1

    assert shoes.get(1).price == Shoe.objects.get(pk=1).price == 9
    assert shoes.get(2).price == Shoe.objects.get(pk=2).price == 1


@pytest.mark.parametrize(
    "change",
    [
        lambda shoe: Shoe.objects.filter(pk=shoe.pk).update(price=9),
        lambda shoe: shoe.save(),
        lambda shoe: shoe.save(update_fields=["price"]),
        lambda shoe: shoe.delete(),
        lambda shoe: Shoe.objects.bulk_create(
            [shoe], update_conflicts=True, update_fields=["price"], unique_fields=["pk"]
        ),
    ],
    ids=["update", "save", "save of other fields", "delete", "upsert"],
)
def test_nobody_moves_a_row_once_its_groups_are_read(
    shelf: Shelf, postgres_database, change
) -> None:
    shoe = Shoe.objects.get(pk=1)
    moves = "UPDATE shop_shoe SET shelf_id = shelf_id WHERE id = 1"
    with (
        after_first("FOR NO KEY UPDATE", postgres_database, moves) as refused,
        transaction.atomic(),
    ):
        change(shoe)

    assert refused == [moves]


def test_nobody_relates_a_row_to_one_that_is_being_deleted(shelf: Shelf, postgres_database) -> None:
    Shoe.objects.all().delete()
    poster = Poster.objects.create(name="Rain", shelf=None)
    relates = f"UPDATE shop_poster SET shelf_id = {shelf.pk} WHERE id = {poster.pk}"

    with after_first("FOR UPDATE", postgres_database, relates) as refused:
        shelf.delete()

    assert refused == [relates]
