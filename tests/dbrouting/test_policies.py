"""Fallback and its limit, lag bounds, deadlines, promotion: what the settings promise."""

import os
import threading
import time

import pytest
from django.db import OperationalError, connections, transaction

import dbrouting
from dbrouting import metrics, registry
from dbrouting.backends.postgresql.failover import NoNodeLeft
from dbrouting.breaker import Policy
from dbrouting.fallback import FallbackLimit
from dbrouting.primary_health import PrimaryHealth
from tests.dbrouting.load import Load, read
from tests.dbrouting.servers import Shop, ask, name_of, wait_until
from tests.dbrouting.shop.models import Product


def in_rotation() -> frozenset[str]:
    return connections["replica"].cluster.rotation.members


def test_fallback_error_keeps_reads_off_the_primary(shop, dbrouting_settings):
    shop.stock_up(1)
    dbrouting_settings(FALLBACK="error")
    for node in shop.replicas:
        node.kill()

    with pytest.raises(NoNodeLeft) as caught:
        Product.objects.count()

    message = str(caught.value)
    assert all(name_of(node) in message for node in shop.replicas)
    assert "refused" in message
    assert "FALLBACK is 'error'" in message


def test_fallback_error_still_shows_a_visitor_their_writes(shop, dbrouting_settings):
    shop.stock_up(1)
    dbrouting_settings(FALLBACK="error")
    for node in shop.replicas:
        node.pause_replay()
    with dbrouting.unit_of_work():
        Product.objects.update(stock=88)
        token = dbrouting.pin_token()

    with dbrouting.unit_of_work(token):
        assert Product.objects.get().stock == 88


def test_the_primary_is_not_crushed(shop, dbrouting_settings):
    """With every replica gone, reads beyond the limit wait for a place instead of piling up."""
    shop.stock_up(1)
    dbrouting_settings(FALLBACK_CONCURRENCY=2, FALLBACK_WAIT=30)
    for node in shop.replicas:
        node.kill()
    most, lock = 0, threading.Lock()

    def read() -> None:
        with connections["replica"].cursor() as cursor:
            cursor.execute(
                "SELECT pg_sleep(0.05), (SELECT count(*) FROM pg_stat_activity"
                " WHERE state = 'active' AND query LIKE '%fallback marker%')"
            )
            nonlocal most
            with lock:
                most = max(most, cursor.fetchone()[1])
        connections.close_all()

    threads = [threading.Thread(target=read) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert 1 <= most <= 2


def test_beyond_limit_and_wait_the_error_says_so(shop, dbrouting_settings):
    shop.stock_up(1)
    dbrouting_settings(FALLBACK_CONCURRENCY=1, FALLBACK_WAIT=0.01)
    for node in shop.replicas:
        node.kill()
    cluster = connections["replica"].cluster

    with cluster.limit.slot() as is_admitted:
        assert is_admitted
        with pytest.raises(NoNodeLeft, match="FALLBACK_CONCURRENCY"):
            Product.objects.count()


def test_the_rate_is_a_bucket_of_tokens():
    limit = FallbackLimit(concurrency=5, rate=2.0, wait_seconds=0.0)
    admitted = []
    for _ in range(4):
        with limit.slot() as is_admitted:
            admitted.append(is_admitted)

    assert admitted == [True, True, False, False]


def test_a_lagging_node_leaves_and_comes_back(shop, dbrouting_settings):
    shop.stock_up(1)
    dbrouting_settings(MAX_LAG_SECONDS=0.6)
    slow = name_of(shop.replicas[0])
    wait_until(lambda: len(in_rotation()) == 2)
    shop.replicas[0].pause_replay()
    shop.primary.query("UPDATE shop_product SET stock = 1", "shop")

    wait_until(lambda: slow not in in_rotation())
    state = connections["replica"].cluster.state_of(slow)
    assert state.lag.seconds > 0.6
    assert state.lag.bytes_behind > 0
    before = metrics.value(metrics.QUERIES, node=slow)
    for _ in range(6):
        Product.objects.count()
    assert metrics.value(metrics.QUERIES, node=slow) == before

    shop.replicas[0].resume_replay()
    wait_until(lambda: slow in in_rotation())


def test_an_idle_primary_is_no_lag(shop, dbrouting_settings):
    shop.stock_up(1)
    dbrouting_settings(MAX_LAG_SECONDS=0.3)
    cluster = connections["replica"].cluster
    wait_until(lambda: all(state.sampled_at for state in cluster))
    samples = {state.node.name: state.sampled_at for state in cluster}
    wait_until(lambda: all(s.sampled_at > samples[s.node.name] + 1.0 for s in cluster))

    assert len(in_rotation()) == 2


def test_when_all_lag_and_the_primary_may_not_the_least_stale_serves(shop, dbrouting_settings):
    shop.stock_up(1)
    dbrouting_settings(FALLBACK="error", MAX_LAG_SECONDS=0.3)
    Product.objects.count()
    for node in shop.replicas:
        node.pause_replay()
    shop.primary.query("UPDATE shop_product SET stock = 1", "shop")
    wait_until(lambda: not in_rotation())

    assert Product.objects.count() == 1


@pytest.mark.parametrize("fault", ["kill", "sigstop"])
def test_a_primary_that_is_out_is_not_asked_by_every_read(shop, dbrouting_settings, fault):
    """All replicas lag and the primary is gone or hangs: the stalest data is still a page."""
    shop.stock_up(1)
    dbrouting_settings(MAX_LAG_SECONDS=0.3)
    Product.objects.count()
    for node in shop.replicas:
        node.pause_replay()
    ask(shop.primary, "UPDATE shop_product SET stock = 1", "shop")
    wait_until(lambda: not in_rotation())
    health = connections["replica"].cluster.primary_health
    assert health.may_serve

    getattr(shop.primary, fault)()
    wait_until(lambda: not health.may_serve)

    before = metrics.value(metrics.FALLBACKS)
    for _ in range(5):
        assert Product.objects.count() == 1
    assert metrics.value(metrics.FALLBACKS) == before
    shop.mend()
    wait_until(lambda: health.may_serve)


def test_one_host_of_several_makes_a_primary():
    health = PrimaryHealth(Policy())

    health.host_probed("db1")
    health.host_probed("db2", "it is a replica")
    assert health.may_serve
    health.host_probed("db1", "connection refused")
    assert not health.may_serve
    assert health.last_failure == "connection refused"
    health.host_probed("db2")
    assert health.may_serve


def test_failed_stand_ins_trip_at_once_or_by_and_by():
    health = PrimaryHealth(Policy(trip_after=3))

    health.failed("broken", is_definitive=False)
    health.failed("broken", is_definitive=False)
    assert health.may_serve
    health.succeeded()
    health.failed("broken", is_definitive=False)
    assert health.may_serve
    health.failed("refused", is_definitive=True)
    assert not health.may_serve


def test_a_tripped_node_comes_back_by_itself(shop):
    shop.stock_up(1)
    Product.objects.count()
    shop.replicas[0].kill()
    wait_until(lambda: name_of(shop.replicas[0]) not in in_rotation())

    shop.replicas[0].start()

    wait_until(lambda: name_of(shop.replicas[0]) in in_rotation())


def test_a_server_that_is_not_ready_yet_costs_nothing(shop):
    """Without hot_standby it stays in the state that others pass through while they start."""
    shop.stock_up(1)
    node = shop.replicas[0]
    settings = node.data_directory / "postgresql.auto.conf"
    before = settings.read_text()
    node.stop()
    settings.write_text(before + "hot_standby = off\n")
    node.launch()
    try:
        wait_until(lambda: "accepting connections" in _refusal_of(node))
        noticed = metrics.value(metrics.FAILURES, failure="starting")
        for _ in range(4):
            assert Product.objects.count() == 1
        assert metrics.value(metrics.FAILURES, failure="starting") > noticed
        assert name_of(node) not in in_rotation()
    finally:
        node.stop()
        settings.write_text(before)
        node.start()


def _refusal_of(node) -> str:
    try:
        ask(node, "SELECT 1")
    except Exception as error:
        return str(error)
    return ""


def test_a_hung_node_is_noticed_without_traffic(shop):
    shop.stock_up(1)
    Product.objects.count()
    shop.replicas[0].sigstop()

    wait_until(lambda: name_of(shop.replicas[0]) not in in_rotation())


def test_a_hung_node_costs_every_worker_the_deadline_once(shop):
    shop.stock_up(10)
    slow: dict[int, int] = {}

    def timed_read(number: int) -> None:
        start = time.monotonic()
        read(number)
        if time.monotonic() - start >= 1.0:
            worker = threading.get_ident()
            slow[worker] = slow.get(worker, 0) + 1

    outcome = Load(timed_read, 3000, shop.replicas[0].sigstop, workers=4).from_threads()

    assert outcome.errors == []
    assert len(slow) >= 1
    assert max(slow.values()) == 1


def test_one_frozen_backend_costs_the_deadline_and_blames_no_node(shop, dbrouting_settings):
    """Also what a firewall does that forgot a connection: the server is fine, the link is not."""
    shop.stock_up(1)
    dbrouting_settings(DEADLINE=0.3)
    Product.objects.count()
    Product.objects.count()
    links = connections["replica"].links
    pids = [link.pid for link in links.values()]
    for pid in pids:
        os.kill(pid, 19)
    try:
        assert Product.objects.count() == 1
        assert len(in_rotation()) == 2
        assert metrics.value(metrics.FAILURES, failure="slow") > 0
    finally:
        for pid in pids:
            os.kill(pid, 18)


def test_a_slow_query_is_moved_once_and_then_waited_for(shop, dbrouting_settings):
    dbrouting_settings(DEADLINE=0.3)
    wait_until(lambda: all(state.sampled_at for state in connections["replica"].cluster))
    start = time.monotonic()

    with connections["replica"].cursor() as cursor:
        cursor.execute("SELECT 7, pg_sleep(1)")
        assert cursor.fetchone()[0] == 7
        cursor.execute("SELECT pg_is_in_recovery()")
        assert cursor.fetchone() == (True,)

    assert time.monotonic() - start < 10
    assert len(in_rotation()) == 2


def test_a_moved_query_is_cancelled_where_it_was(shop, dbrouting_settings):
    dbrouting_settings(DEADLINE=0.3)
    with connections["replica"].cursor() as cursor:
        cursor.execute("SELECT 'moved query', pg_sleep(2)")

    def still_running() -> int:
        sql = (
            "SELECT count(*) FROM pg_stat_activity WHERE state = 'active'"
            " AND query LIKE '%moved query%' AND pid <> pg_backend_pid()"
        )
        return sum(int(node.query_value(sql)) for node in shop.replicas)

    wait_until(lambda: still_running() == 0)


def test_a_report_may_ask_for_time(shop, dbrouting_settings):
    dbrouting_settings(DEADLINE=0.2)
    before = metrics.value(metrics.FAILURES, failure="slow")

    with dbrouting.query_deadline(30), connections["replica"].cursor() as cursor:
        cursor.execute("SELECT pg_sleep(0.6)")

    assert metrics.value(metrics.FAILURES, failure="slow") == before


def test_a_slow_query_inside_a_transaction_is_waited_for(shop, dbrouting_settings):
    dbrouting_settings(DEADLINE=0.2)
    wait_until(lambda: all(state.sampled_at for state in connections["replica"].cluster))
    with transaction.atomic(using="replica"), connections["replica"].cursor() as cursor:
        cursor.execute("SELECT 3, pg_sleep(0.7)")

        assert cursor.fetchone()[0] == 3


def test_a_deadline_is_a_positive_number():
    with pytest.raises(ValueError, match="above 0"), dbrouting.query_deadline(0):
        pass


def test_all_nodes_and_the_primary_gone_is_one_clear_error(fresh_shop: Shop):
    fresh_shop.stock_up(1)
    for node in fresh_shop.cluster.nodes:
        node.kill()

    with pytest.raises(OperationalError, match="no node can serve this read"):
        Product.objects.count()


def test_without_any_replica_in_the_list_the_primary_serves(shop):
    shop.stock_up(1)
    connections.settings["replica"]["REPLICAS"] = []
    registry.reset()

    assert Product.objects.count() == 1


def test_the_list_of_hosts_is_read_again(shop, dbrouting_settings):
    shop.stock_up(1)
    dbrouting_settings(RESOLVE_INTERVAL=0.05)
    hosts = [name_of(shop.replicas[0])]
    connections.settings["replica"]["REPLICAS"] = lambda: hosts
    assert Product.objects.count() == 1
    assert in_rotation() == {name_of(shop.replicas[0])}

    hosts[:] = [name_of(shop.replicas[1])]

    wait_until(lambda: in_rotation() == {name_of(shop.replicas[1])})
    assert Product.objects.count() == 1


def test_zones_are_kept_to_until_theirs_is_gone(shop, dbrouting_settings):
    shop.stock_up(1)
    near, far = shop.replicas
    connections.settings["replica"]["REPLICAS"] = [
        {"HOST": near.host, "PORT": near.port, "ZONE": "near"},
        {"HOST": far.host, "PORT": far.port, "ZONE": "far"},
    ]
    dbrouting_settings(ZONE="near")
    before = metrics.value(metrics.QUERIES, node=name_of(far))
    for _ in range(5):
        Product.objects.count()
    assert metrics.value(metrics.QUERIES, node=name_of(far)) == before

    near.kill()

    for _ in range(5):
        assert Product.objects.count() == 1
    assert metrics.value(metrics.QUERIES, node=name_of(far)) > before


def test_a_forked_child_starts_its_own_threads_and_leaves_the_parents_links(shop):
    shop.stock_up(1)
    assert Product.objects.count() == 1
    read_end, write_end = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            from tests.dbrouting.servers import abandon_connections

            abandon_connections()
            shop.replicas[0].host  # noqa: B018 - the child has the parent's memory
            ok = Product.objects.count() == 1 and any(
                t.name.startswith("dbrouting-probe") for t in threading.enumerate()
            )
            os.write(write_end, b"ok" if ok else b"no")
        finally:
            os._exit(0)
    os.close(write_end)
    answer = os.read(read_end, 10)
    os.close(read_end)
    os.waitpid(pid, 0)

    assert answer == b"ok"
    assert Product.objects.count() == 1
