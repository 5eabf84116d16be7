"""The primary's alias, with Django's own engine: healed, followed, never mistaken."""

from contextlib import suppress

import pytest
from django.db import DatabaseError, InternalError, OperationalError, connections, transaction
from django.db.transaction import TransactionManagementError

import dbrouting
from dbrouting import metrics, registry
from dbrouting.primary import writes
from tests.dbrouting.servers import Shop, forget_everything, name_of, point_at, wait_until
from tests.dbrouting.shop.models import Order, Product


@pytest.mark.parametrize(
    "sql",
    [
        "INSERT INTO x VALUES (1)",
        'UPDATE "x" SET y = 1',
        "  delete from x",
        "WITH a AS (UPDATE x SET y = 1 RETURNING z) SELECT * FROM a",
        "EXPLAIN ANALYZE DELETE FROM x",
        "SELECT * INTO y FROM x",
        "TRUNCATE x",
        "CALL refresh()",
        "DO $$ BEGIN END $$",
        "COPY x FROM STDIN",
        "CREATE TABLE x ()",
        "-- a comment\nSELECT 1",
    ],
)
def test_what_may_write(sql):
    assert writes(sql)


@pytest.mark.parametrize(
    "sql",
    [
        'SELECT "x"."y" FROM "x"',
        "(SELECT 1) UNION (SELECT 2)",
        "SELECT * FROM x FOR UPDATE",
        "WITH a AS (SELECT 1) SELECT * FROM a",
        'SAVEPOINT "s1"',
        'RELEASE SAVEPOINT "s1"',
        "EXPLAIN SELECT 1",
        "SET TIME ZONE 'UTC'",
    ],
)
def test_what_does_not(sql):
    assert not writes(sql)


def test_the_position_covers_every_commit_that_has_returned(shop):
    for number in range(20):
        Product.objects.create(name=str(number))
        lsn = dbrouting.current_lsn()
        flushed = dbrouting.parse_lsn(shop.primary.query_value("SELECT pg_current_wal_flush_lsn()"))

        assert flushed <= lsn


def test_the_position_is_known_after_the_commit_not_before(shop):
    seen = []
    with transaction.atomic():
        Product.objects.create(name="x")
        transaction.on_commit(lambda: seen.append(dbrouting.current_lsn()))
        with pytest.raises(TransactionManagementError, match="on_commit"):
            dbrouting.current_lsn()

    assert seen[0] > 0


def test_asking_for_the_position_is_no_query_of_the_projects(shop, django_assert_num_queries):
    with django_assert_num_queries(0):
        dbrouting.current_lsn()


def test_after_a_broken_link_the_next_query_works(shop):
    list(Order.objects.all())
    shop.primary.query(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = 'shop' AND pid <> pg_backend_pid()"
    )

    with pytest.raises(DatabaseError):
        list(Order.objects.all())

    assert list(Order.objects.all()) == []


def test_inside_atomic_a_broken_link_is_djangos_business(shop):
    def write() -> None:
        with transaction.atomic():
            list(Order.objects.all())
            shop.primary.query(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = 'shop' AND pid <> pg_backend_pid()"
            )
            list(Order.objects.all())

    with pytest.raises(DatabaseError):
        write()

    assert list(Order.objects.all()) == []


def test_a_replica_read_survives_a_broken_link_to_the_primary_too(shop):
    """All replicas dead, and the link to the primary broke: a new one is made."""
    shop.stock_up(1)
    list(Order.objects.all())
    for node in shop.replicas:
        node.kill()
    shop.primary.query(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = 'shop' AND pid <> pg_backend_pid()"
    )

    assert Product.objects.count() == 1


@pytest.fixture
def promoted(fresh_shop: Shop) -> Shop:
    """Replica 1 is promoted; the old primary still runs. Both are hosts of the primary's alias."""
    point_at(fresh_shop.cluster, [fresh_shop.primary, fresh_shop.replicas[0]])
    fresh_shop.stock_up(1)
    Product.objects.count()
    list(Order.objects.all())
    fresh_shop.replicas[0].promote()
    return fresh_shop


def test_a_demoted_primary_costs_no_write(promoted):
    """Its links still stand; it says 25006, and libpq finds the new primary."""
    promoted.primary.query("ALTER SYSTEM SET default_transaction_read_only = on")
    promoted.primary.query("SELECT pg_reload_conf()")
    wait_until(lambda: promoted.primary.query_value("SHOW default_transaction_read_only") == "on")

    healed_before = metrics.value(metrics.HEALED)

    for number in range(5):
        Product.objects.create(name=f"after {number}")

    names = promoted.replicas[0].query(
        "SELECT count(*) FROM shop_product WHERE name LIKE 'after%'", "shop"
    )
    assert names == [["5"]]
    assert metrics.value(metrics.HEALED) > healed_before


def test_a_dead_primary_is_followed_to_the_new_one(promoted):
    promoted.primary.kill()
    # On a link that broke the write may have been done, so it is an error, once; unless the
    # promotion was noticed before, and it went to the new primary.
    with suppress(DatabaseError):
        Product.objects.create(name="in flight")

    Product.objects.create(name="after")

    assert (
        promoted.replicas[0].query_value(
            "SELECT count(*) FROM shop_product WHERE name = 'after'", "shop"
        )
        == "1"
    )


def test_a_replaced_primary_that_still_takes_writes_is_never_written_to(promoted):
    """Split brain: both take writes. Once the newer timeline is seen, the older gets none."""
    cluster = connections["replica"].cluster
    wait_until(lambda: cluster.timeline == 2)

    for _ in range(3):
        with pytest.raises(OperationalError, match=r"timeline 1.*replaced.*nothing is written"):
            Product.objects.create(name="lost")

    assert (
        promoted.primary.query_value(
            "SELECT count(*) FROM shop_product WHERE name = 'lost'", "shop"
        )
        == "0"
    )
    promoted.primary.stop("immediate")
    Product.objects.create(name="kept")
    assert (
        promoted.replicas[0].query_value(
            "SELECT count(*) FROM shop_product WHERE name = 'kept'", "shop"
        )
        == "1"
    )


def test_a_promoted_node_leaves_rotation_and_reads_go_on(promoted):
    cluster = connections["replica"].cluster
    left = f"{promoted.replicas[0].host}:{promoted.replicas[0].port}"
    wait_until(lambda: left not in cluster.rotation.members)

    assert Product.objects.count() == 1
    assert "promoted" in repr(cluster)


def test_a_replica_of_a_replaced_primary_is_the_last_resort(fresh_shop):
    """Nobody told replica 2, nor the settings, about the new primary; reads go on all the same."""
    fresh_shop.stock_up(1)
    Product.objects.count()
    cluster = connections["replica"].cluster
    fresh_shop.replicas[0].promote()
    wait_until(lambda: "astray" in repr(cluster))
    wait_until(lambda: not cluster.rotation.members)

    assert Product.objects.count() == 1

    fresh_shop.replicas[1].follow(fresh_shop.replicas[0])
    wait_until(lambda: cluster.rotation.members == {name_of(fresh_shop.replicas[1])})
    assert Product.objects.count() == 1


def test_a_demoted_lone_primary_is_named(fresh_shop):
    point_at(fresh_shop.cluster)
    connections.settings["default"]["OPTIONS"] = {}
    try:
        forget_everything()
        list(Order.objects.all())
        fresh_shop.primary.query("ALTER SYSTEM SET default_transaction_read_only = on")
        fresh_shop.primary.query("SELECT pg_reload_conf()")
        wait_until(
            lambda: fresh_shop.primary.query_value("SHOW default_transaction_read_only") == "on"
        )

        with pytest.raises(InternalError, match="read-only"):
            Product.objects.create(name="refused")
    finally:
        connections.settings["default"]["OPTIONS"] = {"target_session_attrs": "read-write"}
        registry.reset()
