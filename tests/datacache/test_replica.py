"""A replica that has not replayed the change never brings the old price back."""

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest
from django.db import connections

import dbrouting
import devstack
from dbrouting import registry
from origin.datacache import CachedModel, flow, layers, stats
from origin.datacache.driving import drive
from tests.datacache.conftest import Begin
from tests.datacache.postgresql import aliases
from tests.datacache.shop.models import Shelf, Shoe


class Shoes(CachedModel[Shoe]):
    model = Shoe


@pytest.fixture
def behind(
    monkeypatch: pytest.MonkeyPatch,
    settings,
    django_db_blocker,
    fresh_postgres_cluster: devstack.PostgresCluster,
) -> Iterator[devstack.PostgresCluster]:
    """A primary and two replicas through dbrouting, with a shoe for 1.00 on all of them."""
    cluster = fresh_postgres_cluster
    cluster.primary.query("CREATE DATABASE shop")
    primary = {**cluster.primary.django_settings("shop"), "ENGINE": "django.db.backends.postgresql"}
    replicas = [f"{node.host}:{node.port}" for node in cluster.replicas]
    replica = {**primary, "ENGINE": "dbrouting.backends.postgresql", "REPLICAS": replicas}
    settings.DATABASE_ROUTERS = ["dbrouting.router.ReplicaRouter"]
    settings.INSTALLED_APPS = [*settings.INSTALLED_APPS, "dbrouting"]
    settings.DBROUTING = {"MODELS": ["shop"], "MAX_LAG_SECONDS": 3600.0}
    databases = {"default": primary, "replica": replica}
    with django_db_blocker.unblock(), aliases(monkeypatch, databases):
        with connections["default"].schema_editor() as editor:
            editor.create_model(Shelf)
            editor.create_model(Shoe)
        shelf = Shelf.objects.create(name="top")
        Shoe.objects.create(pk=1, shelf=shelf, name="Rain", price=Decimal("1.00"))
        cluster.wait_until_replayed()
        yield cluster
        for node in cluster.replicas:
            node.resume_replay()
        layers.reset_levels()
        registry.reset()


def sell(cluster: devstack.PostgresCluster) -> None:
    """The price changes while no replica replays."""
    for node in cluster.replicas:
        node.pause_replay()
    with dbrouting.unit_of_work():
        Shoe.objects.filter(pk=1).update(price=Decimal("2.00"))


def price_seen(shoes: Shoes) -> Decimal:
    with dbrouting.unit_of_work():
        found = shoes.get(1)
    assert found is not None
    return found.price


@pytest.mark.parametrize("guard", [True, False], ids=["guarded", "unguarded"])
def test_a_lagging_replica_never_brings_an_old_price_back(
    behind: devstack.PostgresCluster, redis_server: devstack.RedisServer, begin: Begin, guard: bool
) -> None:
    """The same test with the guard off sees the old price: the guard is what holds it."""
    redis_server.flush()
    begin(redis_server, LSN_GUARD=guard)
    shoes = Shoes()
    assert price_seen(shoes) == Decimal("1.00")

    sell(behind)

    expected = Decimal("2.00") if guard else Decimal("1.00")
    assert price_seen(shoes) == expected
    layers.get_levels().process.clear()
    assert price_seen(shoes) == expected


def test_a_group_that_shows_only_in_the_value_has_the_load_done_again(
    behind: devstack.PostgresCluster, redis_server: devstack.RedisServer, begin: Begin
) -> None:
    """Nothing known before the load says how new it must be; what comes out of it does."""

    class ByName(Shoes):
        def groups_of_key(self, key):
            return ()

    redis_server.flush()
    begin(redis_server)
    shoes = ByName()
    assert price_seen(shoes) == Decimal("1.00")

    sell(behind)

    assert price_seen(shoes) == Decimal("2.00")
    assert stats.snapshot()["behind"] == 1


def test_a_process_that_hears_of_it_from_a_neighbour_brings_no_old_price_back(
    behind: devstack.PostgresCluster, begin: Begin, tmp_path: Path
) -> None:
    """Without Redis: one process sells, another that has never seen the shoe loads it."""
    levels = begin(CLOCK_FILE=str(tmp_path / "clock"))
    neighbour = layers.Levels(levels.conf)
    shoes = Shoes()

    def seen_by_the_neighbour() -> Decimal:
        with dbrouting.unit_of_work():
            return drive(neighbour, flow.read(neighbour, shoes.definition, [1]))[1].price

    assert seen_by_the_neighbour() == Decimal("1.00")
    sell(behind)

    assert seen_by_the_neighbour() == Decimal("2.00")
    neighbour.close()
    late = layers.Levels(levels.conf)
    steps = flow.read(late, shoes.definition, [1])
    with dbrouting.unit_of_work():
        assert drive(late, steps)[1].price == Decimal("2.00")
    late.close()
