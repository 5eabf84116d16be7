"""Which reads leave the primary, and that transactions and writes never do."""

import asyncio
import threading

import pytest
from asgiref.sync import sync_to_async
from django.db import InternalError, OperationalError, connections, transaction

import dbrouting
from dbrouting.querysets import using_replica
from dbrouting.router import ReplicaRouter, is_declared
from tests.dbrouting.servers import name_of
from tests.dbrouting.shop.models import Order, Product


def server_of(queryset) -> str:
    """The name of the server that answers a queryset's query."""
    with connections[queryset.db].cursor() as cursor:
        cursor.execute("SELECT current_setting('cluster_name')")
        return cursor.fetchone()[0]


def test_declared_models_read_from_replicas_others_do_not(shop):
    shop.stock_up(1)

    assert Product.objects.get()._state.db == "replica"
    assert Order.objects.all().db == "default"
    assert server_of(Product.objects.all()).startswith("replica")
    assert server_of(Order.objects.all()) == "primary"


@pytest.mark.parametrize("models", [["shop"], ["shop.Order"], ["SHOP.order"]])
def test_settings_declare_an_app_or_a_model(shop, dbrouting_settings, models):
    dbrouting_settings(MODELS=models)

    assert Order.objects.all().db == "replica"


def test_the_attribute_overrules_the_settings(dbrouting_settings, monkeypatch):
    dbrouting_settings(MODELS=["shop"])
    monkeypatch.setattr(Order, "reads_from_replica", False, raising=False)

    assert is_declared(dbrouting.conf.get_settings(), Order) is False


def test_one_queryset(shop):
    assert Order.objects.using_replica().db == "replica"
    assert using_replica(Order.objects.filter(amount=1)).filter(amount=2).db == "replica"
    assert Order.objects.all().db == "default"


def test_a_block_and_a_decorated_view(shop, client):
    with dbrouting.replica_reads():
        assert Order.objects.all().db == "replica"
        with dbrouting.primary_reads():
            assert Product.objects.all().db == "default"
        assert Order.objects.all().db == "replica"
    assert Order.objects.all().db == "default"
    assert client.get("/orders").json() == {"alias": "replica"}


def test_decorators_wrap_async_functions_too(shop):
    @dbrouting.primary_reads
    async def fresh() -> str:
        await asyncio.sleep(0)
        return Product.objects.all().db

    @dbrouting.replica_reads()
    def stale() -> str:
        return Order.objects.all().db

    assert asyncio.run(fresh()) == "default"
    assert stale() == "replica"


def test_blocks_of_concurrent_tasks_do_not_mix(shop):
    async def task(wanted: str) -> str:
        block = dbrouting.replica_reads if wanted == "replica" else dbrouting.primary_reads
        with block():
            await asyncio.sleep(0.01)
            return await sync_to_async(lambda: Order.objects.all().db)()

    async def both() -> list[str]:
        return await asyncio.gather(task("replica"), task("default"), task("replica"))

    assert asyncio.run(both()) == ["replica", "default", "replica"]


def test_no_replica_read_inside_atomic(shop):
    [product] = shop.stock_up(1)
    built_before = Product.objects.all()
    pinned_to_alias = Product.objects.using("replica")
    with transaction.atomic():
        Product.objects.filter(pk=product.pk).update(stock=500)

        assert Product.objects.get().stock == 500
        assert built_before.get().stock == 500
        assert pinned_to_alias.get().stock == 500
        assert Order.objects.using_replica().db == "default"
        with dbrouting.replica_reads():
            assert server_of(Product.objects.all()) == "primary"
        with connections["replica"].cursor() as cursor:
            cursor.execute("SELECT current_setting('cluster_name')")
            assert cursor.fetchone() == ("primary",)


def test_writes_and_locks_go_to_the_primary(shop):
    shop.stock_up(1)
    product = Product.objects.get()

    assert product._state.db == "replica"
    product.save()
    assert product._state.db == "default"
    with transaction.atomic():
        assert Product.objects.select_for_update().get()._state.db == "default"
    assert Product.objects.select_for_update().db == "default"
    _, created = Product.objects.get_or_create(name="new")
    assert created


def test_relations_across_the_two_aliases(shop):
    shop.stock_up(1)
    product = Product.objects.get()

    order = Order.objects.create(product=product)

    assert order.product == product
    assert list(product.orders.all()) == [order]
    assert ReplicaRouter().allow_relation(order, product) is True


def test_nothing_is_migrated_on_replicas():
    assert ReplicaRouter().allow_migrate("replica", "shop") is False
    assert ReplicaRouter().allow_migrate("default", "shop") is None


def test_other_databases_are_left_to_other_routers():
    elsewhere = Product(name="elsewhere")
    elsewhere._state.db = "warehouse"

    assert ReplicaRouter().db_for_read(Product, instance=elsewhere) is None
    assert ReplicaRouter().db_for_write(Product, instance=elsewhere) is None


def test_reads_take_turns_and_a_unit_of_work_keeps_its_node(shop):
    shop.stock_up(1)

    servers = {server_of(Product.objects.all()) for _ in range(4)}
    with dbrouting.unit_of_work():
        kept = {server_of(Product.objects.all()) for _ in range(4)}

    assert servers == {"replica1", "replica2"}
    assert len(kept) == 1


def test_a_transaction_on_the_replica_alias_stays_on_its_node(shop):
    shop.stock_up(1)

    with transaction.atomic(using="replica"):
        servers = {server_of(Product.objects.using("replica")) for _ in range(4)}

    assert len(servers) == 1
    assert servers <= {"replica1", "replica2"}


def test_inside_a_transaction_the_error_is_djangos_and_names_the_node(shop):
    shop.stock_up(1)

    names = []

    @transaction.atomic(using="replica")
    def read_while_nodes_die() -> None:
        Product.objects.using("replica").get()
        names.append(connections["replica"].link.name)
        for node in shop.replicas:
            node.kill()
        Product.objects.using("replica").get()

    with pytest.raises(OperationalError) as caught:
        read_while_nodes_die()

    assert f"node {names[0]}" in str(caught.value)
    assert Product.objects.count() == 1  # the alias works at the very next query


def test_a_transaction_whose_node_dies_leaves_the_alias_usable(shop):
    shop.stock_up(1)

    @transaction.atomic(using="replica")
    def read_while_nodes_die() -> None:
        Product.objects.using("replica").get()
        for node in shop.replicas:
            node.kill()
        Product.objects.using("replica").get()

    with pytest.raises(OperationalError):
        read_while_nodes_die()
    shop.mend()

    with transaction.atomic(using="replica"):
        assert Product.objects.using("replica").count() == 1


def test_a_node_that_hangs_inside_a_transaction_costs_the_deadline(shop, dbrouting_settings):
    shop.stock_up(1)
    dbrouting_settings(DEADLINE=0.3)

    @transaction.atomic(using="replica")
    def read_while_nodes_hang() -> None:
        Product.objects.using("replica").get()
        for node in shop.replicas:
            node.sigstop()

    with pytest.raises(OperationalError):
        read_while_nodes_hang()

    assert Product.objects.count() == 1


def test_a_write_on_the_replica_alias_is_a_clear_error(shop):
    with pytest.raises(InternalError, match=r"node 127.*read-only.*use the primary's alias"):
        Product.objects.using("replica").create(name="lost")


def test_mistakes_of_a_query_stay_what_they_are(shop):
    with (
        pytest.raises(Exception, match="syntax error") as caught,
        connections["replica"].cursor() as cursor,
    ):
        cursor.execute("SELEKT 1")

    assert type(caught.value).__name__ == "ProgrammingError"
    assert connections["replica"].cluster.rotation.members == {name_of(n) for n in shop.replicas}


def test_a_replica_without_the_newest_table_costs_nothing(shop):
    for node in shop.replicas:
        node.pause_replay()
    shop.primary.query("CREATE TABLE newest AS SELECT 42 AS answer", "shop")
    try:
        with connections["replica"].cursor() as cursor:
            cursor.execute("SELECT answer FROM newest")

            assert cursor.fetchone() == (42,)
    finally:
        shop.primary.query("DROP TABLE newest", "shop")


def test_a_table_that_is_nowhere_is_djangos_error(shop):
    with (
        pytest.raises(Exception, match='relation "nowhere" does not exist'),
        connections["replica"].cursor() as cursor,
    ):
        cursor.execute("SELECT * FROM nowhere")


def test_a_server_side_cursor_moves_before_its_first_row(shop):
    shop.stock_up(300)
    list(Product.objects.iterator(chunk_size=50))  # links to both
    list(Product.objects.iterator(chunk_size=50))
    shop.replicas[0].kill()

    for _ in range(3):
        assert len(list(Product.objects.iterator(chunk_size=50))) == 300


def test_after_its_first_row_a_server_side_cursor_fails(shop):
    """Rows were handed out; the rest of another node's result might not fit them."""
    shop.stock_up(300)
    rows = Product.objects.iterator(chunk_size=50)
    next(rows)
    for node in shop.replicas:
        node.kill()

    with pytest.raises(OperationalError, match="node 127"):
        list(rows)


def test_executemany_and_callproc_move_too(shop):
    shop.stock_up(1)
    for _ in range(2):
        Product.objects.count()
    shop.replicas[0].kill()

    for _ in range(4):
        with connections["replica"].cursor() as cursor:
            cursor.callproc("abs", [-7])
            assert cursor.fetchone() == (7,)
            cursor.executemany("SELECT %s::int", iter([(1,), (2,)]))


def test_threads_learn_from_one_another(shop):
    """One thread finds the node dead; another, which has no link yet, does not even try it."""
    shop.stock_up(1)
    shop.replicas[0].kill()
    for _ in range(4):
        Product.objects.count()
    cluster = connections["replica"].cluster
    dead = cluster.state_of(name_of(shop.replicas[0]))
    assert not dead.breaker.is_closed
    tried = []

    def other() -> None:
        wrapper = connections["replica"]
        original = wrapper.open_link
        wrapper.open_link = lambda node: tried.append(node.name) or original(node)
        for _ in range(6):
            Product.objects.count()
        connections.close_all()

    thread = threading.Thread(target=other)
    thread.start()
    thread.join()

    assert tried == [name_of(shop.replicas[1])]
