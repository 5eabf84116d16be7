"""Rows, lists and counts of models, and what drops them: signals, querysets, transactions."""

import contextlib
from collections.abc import Iterator
from decimal import Decimal

import pytest
from asgiref.sync import sync_to_async
from django.core.exceptions import ImproperlyConfigured
from django.db import connection, transaction
from django.db.models import QuerySet
from django.test.utils import CaptureQueriesContext

import devstack
from origin.datacache import CachedModel, cached, layers, stats
from origin.invalidation import invalidate_all, invalidate_groups
from origin.model_groups import groups_of_model, table_groups
from tests.datacache.conftest import Begin
from tests.datacache.shop.models import Boot, Lace, LightShoe, Plain, Shelf, Shoe, Tag

pytestmark = pytest.mark.django_db(transaction=True)


class Shoes(CachedModel[Shoe]):
    model = Shoe
    max_age = 3600

    def queryset(self):
        return Shoe.objects.select_related("shelf")


class BareShoes(CachedModel[Shoe]):
    model = Shoe


class LightShoes(CachedModel[LightShoe]):
    model = LightShoe


class Boots(CachedModel[Boot]):
    model = Boot


class Laces(CachedModel[Lace]):
    model = Lace

    def queryset(self):
        return Lace.objects.select_related("shoe__shelf").prefetch_related("shoe__tags")


class Tags(CachedModel[Tag]):
    model = Tag

    def queryset(self):
        return Tag.objects.prefetch_related("shoes__shelf", "shoes__laces")


shoes, bare_shoes = Shoes(), BareShoes()


@pytest.fixture(autouse=True)
def _levels(shared: layers.Levels, begin: Begin, redis_server: devstack.RedisServer) -> None:
    """With Redis; no load loses its lease because a busy machine took 150 ms over it."""
    begin(redis_server, LEASE=10.0)


@pytest.fixture
def shelf() -> Shelf:
    shelf = Shelf.objects.create(name="top")
    for number in range(3):
        Shoe.objects.create(shelf=shelf, name=f"shoe {number}", price=Decimal(number + 1))
    return shelf


@contextlib.contextmanager
def rolled_back() -> Iterator[None]:
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def keys(shelf: Shelf) -> list[int]:
    return list(Shoe.objects.filter(shelf=shelf).order_by("pk").values_list("pk", flat=True))


def test_many_rows_are_one_query_and_then_none(shelf: Shelf) -> None:
    wanted = keys(shelf)
    with CaptureQueriesContext(
        connection,
    ) as queries:
        found = shoes.get_many(wanted)
        again = shoes.get_many(wanted)
        layers.get_levels().process.clear()
        shoes.get_many(wanted)

    assert [shoe.shelf.name for shoe in found.values()] == ["top"] * 3
    assert again == found
    assert len(queries) == 1


@pytest.mark.parametrize(
    "change",
    [
        lambda shoe: Shoe.objects.filter(pk=shoe.pk).update(name="new"),
        lambda shoe: shoe.save(),
        lambda shoe: Shoe.objects.bulk_update([shoe], ["name"]),
    ],
    ids=["update", "save", "bulk_update"],
)
def test_every_change_drops_the_row_on_commit(shelf: Shelf, change) -> None:
    wanted = keys(shelf)[0]
    shoe = shoes.get(wanted)
    assert shoe is not None
    shoe.name = "new"

    change(shoe)

    found = shoes.get(wanted)
    assert found is not None
    assert found.name == "new"


def test_a_change_of_the_related_row_drops_the_row(shelf: Shelf) -> None:
    wanted = keys(shelf)[0]
    shoes.get(wanted)
    shelf.name = "bottom"
    shelf.save()

    found = shoes.get(wanted)
    assert found is not None
    assert found.shelf.name == "bottom"


@pytest.mark.parametrize("changed", ["shelf", "shoe", "lace", "tag"])
def test_a_change_of_what_came_with_a_row_at_any_depth_drops_it(shelf: Shelf, changed: str) -> None:
    shoe = shelf.shoes.first()
    lace = Lace.objects.create(name="long", shoe=shoe)
    tag = Tag.objects.create(name="red")
    tag.shoes.add(shoe)
    laces, tags = Laces(), Tags()

    def selected() -> dict[str, str]:
        row = laces.get(lace.pk)
        (with_it,) = row.shoe.tags.all()
        rows = {"lace": row, "shoe": row.shoe, "shelf": row.shoe.shelf, "tag": with_it}
        return {name: item.name for name, item in rows.items()}

    def prefetched() -> dict[str, str]:
        row = tags.get(tag.pk)
        (with_it,) = row.shoes.all()
        (its_lace,) = with_it.laces.all()
        rows = {"lace": its_lace, "shoe": with_it, "shelf": with_it.shelf, "tag": row}
        return {name: item.name for name, item in rows.items()}

    names = selected()
    assert prefetched() == names
    row = {"shelf": shelf, "shoe": shoe, "lace": lace, "tag": tag}[changed]
    row.name = "new"
    row.save()

    assert selected() == prefetched() == {**names, changed: "new"}


def test_what_there_is_none_of_is_remembered_until_there_is_one(shelf: Shelf) -> None:
    with CaptureQueriesContext(connection) as queries:
        assert [shoes.get(99_999), shoes.get(99_999)] == [None, None]
    assert len(queries) == 1
    Shoe.objects.create(pk=99_999, shelf=shelf, name="late")

    assert shoes.get(99_999)


def test_lists_are_keys_and_rows(shelf: Shelf) -> None:
    on_shelf = Shoe.objects.filter(shelf=shelf).order_by("-price")
    group = f"shelf:{shelf.pk}"

    with CaptureQueriesContext(connection) as queries:
        first = shoes.rows(on_shelf, groups=[group])
        assert shoes.rows(on_shelf, groups=[group]) == first == list(on_shelf.all())
        assert shoes.count(on_shelf, groups=[group]) == 3
        assert shoes.count(on_shelf, groups=[group]) == 3
    assert len(queries) == 4  # keys, rows, count, and the comparison's own
    Shoe.objects.create(shelf=shelf, name="more", price=Decimal(9))

    assert next(shoe.name for shoe in shoes.rows(on_shelf, groups=[group])) == "more"
    assert shoes.count(on_shelf, groups=[group]) == 4


def test_lists_without_groups_are_dropped_by_any_change(shelf: Shelf) -> None:
    cheap = Shoe.objects.filter(price__lt=2)
    assert shoes.count(cheap) == 1
    kept = keys(shelf)[2]
    bare_shoes.get(kept)
    stats.reset()

    Shoe.objects.filter(pk=keys(shelf)[1]).update(price=Decimal("1.50"))

    assert len(shoes.rows(cheap)) == shoes.count(cheap) == 2
    bare_shoes.get(kept)
    assert stats.snapshot()["hits_process"] >= 1  # a row is not dropped by another's change


@pytest.mark.parametrize(
    "nothing",
    [Shoe.objects.none(), Shoe.objects.filter(pk__in=[])],
    ids=["none", "in nothing"],
)
async def test_a_queryset_of_nothing_is_empty_without_a_query(nothing: QuerySet[Shoe]) -> None:
    def read() -> tuple[list[Shoe], int, int]:
        with CaptureQueriesContext(connection) as queries:
            return shoes.rows(nothing), shoes.count(nothing), len(queries)

    assert await sync_to_async(read)() == ([], 0, 0)
    assert await shoes.arows(nothing) == []
    assert await shoes.acount(nothing) == 0


def test_lists_are_dropped_by_who_has_no_cached_model() -> None:
    """Another process, that only writes, need not know of any list."""
    groups = groups_of_model(Lace)

    assert groups is not None
    assert table_groups(Lace) == ("rows:shop.lace",)
    assert groups.of(Lace(pk=1)) == {"lace:1", "rows:shop.lace"}


@pytest.mark.parametrize("changed", [LightShoe, Boot, Shoe])
def test_lists_of_proxies_and_of_children_are_dropped_by_a_change_of_the_same_row(
    shelf: Shelf, changed: type[Shoe]
) -> None:
    """Whichever class it is changed through."""
    Boot.objects.create(pk=500, shelf=shelf, name="old")
    lists = [listed() for listed in (LightShoes, Boots, Shoes)]

    def counts() -> list[int]:
        return [rows.count(rows.model.objects.filter(name="old")) for rows in lists]

    assert counts() == [1, 1, 1]
    row = changed.objects.get(pk=500)
    row.name = "new"
    row.save()

    assert counts() == [0, 0, 0]


def test_other_parameters_are_another_list(shelf: Shelf) -> None:
    counts = [shoes.count(Shoe.objects.filter(price__lt=limit)) for limit in (1, 2, 3)]

    assert counts == [0, 1, 2]


def test_a_model_without_groups_is_refused() -> None:
    class Plains(CachedModel[Plain]):
        model = Plain

    with pytest.raises(ImproperlyConfigured, match="two_pass_groups = "):
        Plains()


def test_a_transaction_that_wrote_reads_its_own_and_gives_nobody_what_is_not_committed(
    shelf: Shelf,
) -> None:
    wanted = keys(shelf)[0]
    shoes.get(wanted)
    with rolled_back():
        Shoe.objects.filter(pk=wanted).update(name="uncommitted")
        found = shoes.get(wanted)
        assert found is not None
        assert found.name == "uncommitted"

    found = shoes.get(wanted)
    assert found is not None
    assert found.name == "shoe 0"
    layers.get_levels().process.clear()
    assert shoes.get(wanted).name == "shoe 0"


def test_raw_sql_in_a_transaction_counts_as_a_write(shelf: Shelf) -> None:
    wanted = keys(shelf)[0]
    with rolled_back():
        with connection.cursor() as cursor:
            cursor.execute("UPDATE shop_shoe SET name = 'raw'")
        assert shoes.get(wanted).name == "raw"

    assert shoes.get(wanted).name == "shoe 0"


def test_a_rolled_back_change_drops_nothing(shelf: Shelf) -> None:
    wanted = keys(shelf)[0]
    shoes.get(wanted)
    with rolled_back():
        Shoe.objects.filter(pk=wanted).update(name="never")
    stats.reset()

    shoes.get(wanted)
    assert stats.snapshot()["hits_process"] == 1


def test_everything_is_dropped(shelf: Shelf) -> None:
    wanted = keys(shelf)[0]
    shoes.get(wanted)
    stats.reset()

    invalidate_all()

    shoes.get(wanted)
    assert stats.snapshot()["hits_loader"] == 1


def test_one_value_of_a_function_is_dropped_by_hand() -> None:
    calls = []

    @cached(max_age=60)
    def double(number: int) -> int:
        calls.append(number)
        return number * 2

    double(1), double(2)
    double.invalidate(1)

    assert (double(1), double(2), calls) == (2, 4, [1, 2, 1])


def test_by_hand_in_a_transaction_it_waits_for_the_commit(shelf: Shelf) -> None:
    wanted = keys(shelf)[0]
    shoes.get(wanted)
    stats.reset()
    with transaction.atomic():
        invalidate_groups(f"shoe:{wanted}")
        shoes.get(wanted)
        assert stats.snapshot()["hits_process"] == 1
    shoes.get(wanted)

    assert stats.snapshot()["hits_loader"] == 1


async def test_rows_lists_and_counts_in_an_event_loop(shelf: Shelf) -> None:
    wanted = await sync_to_async(keys)(shelf)
    on_shelf = Shoe.objects.filter(shelf=shelf).order_by("pk")
    for _ in range(2):
        assert [*await shoes.aget_many(wanted)] == wanted
        found = await shoes.aget(wanted[0])
        assert found is not None
        assert found.shelf.name == "top"
        assert [shoe.pk for shoe in await shoes.arows(on_shelf, groups=["a"])] == wanted
        assert await shoes.acount(on_shelf, groups=["a"]) == 3
    assert stats.snapshot()["hits_loader"] == 5  # three rows, a list and a count

    await Shoe.objects.filter(pk=wanted[0]).aupdate(name="new")

    found = await shoes.aget(wanted[0])
    assert found is not None
    assert found.name == "new"


@pytest.mark.parametrize(
    "change",
    [
        lambda shoe, tag: shoe.tags.add(tag),
        lambda shoe, tag: shoe.tags.set([tag]),
        lambda shoe, tag: tag.shoes.add(shoe),
    ],
    ids=["add", "set", "from the other side"],
)
def test_many_to_many_changes_drop_the_row(shelf: Shelf, change) -> None:
    class Tagged(CachedModel[Shoe]):
        model = Shoe

        def queryset(self):
            return Shoe.objects.prefetch_related("tags")

    tagged, wanted = Tagged(), keys(shelf)[0]
    found = tagged.get(wanted)
    assert found is not None
    assert list(found.tags.all()) == []

    change(Shoe.objects.get(pk=wanted), Tag.objects.create(name="red"))

    found = tagged.get(wanted)
    assert found is not None
    assert [tag.name for tag in found.tags.all()] == ["red"]


@pytest.mark.parametrize(
    "change",
    [
        lambda them, shoe: them.update(name="new"),
        lambda them, shoe: Shoe.objects.bulk_update([shoe], ["name"]),
    ],
    ids=["update", "bulk_update"],
)
def test_changes_by_queryset_read_keys_once_and_no_rows(shelf: Shelf, change) -> None:
    them = Shoe.objects.filter(shelf=shelf)
    shoe = them[0]
    with CaptureQueriesContext(connection) as queries:
        change(them, shoe)

    (read,) = [query["sql"] for query in queries if query["sql"].startswith("SELECT")]
    assert '"notes"' not in read
