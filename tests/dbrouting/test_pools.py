"""psycopg 3's pool, one a node; and PgBouncer in transaction mode."""

import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.db import connections

import dbrouting
from devstack.pgbouncer import pgbouncer as devstack_pgbouncer
from devstack.ports import claim_port
from devstack.supervisor import supervisor
from tests.dbrouting.load import SHORT, Load, read, read_anew
from tests.dbrouting.servers import Shop, forget_everything, name_of, point_at
from tests.dbrouting.settings import DRIVER
from tests.dbrouting.shop.models import Product

FAULTS = [
    "sigstop",
    pytest.param("kill", marks=pytest.mark.full),
    pytest.param("stop", marks=pytest.mark.full),
]
needs_pool = pytest.mark.skipif(DRIVER == "psycopg2", reason="psycopg2 has no pool")


@pytest.fixture
def pooled(shop) -> Iterator[Shop]:
    """The replica alias with a pool, and no persistent connections, as Django demands."""
    replica, default = connections.settings["replica"], connections.settings["default"]
    before = replica["OPTIONS"], replica["CONN_MAX_AGE"], default["CONN_MAX_AGE"]
    shop.stock_up(10)
    default["CONN_MAX_AGE"] = replica["CONN_MAX_AGE"] = 0
    replica["OPTIONS"] = {**replica["OPTIONS"], "pool": {"min_size": 1, "max_size": 8}}
    forget_everything()
    yield shop
    connections["replica"].close_pool()
    replica["OPTIONS"], replica["CONN_MAX_AGE"], default["CONN_MAX_AGE"] = before
    forget_everything()


@needs_pool
def test_one_pool_a_node(pooled):
    for _ in range(4):
        assert Product.objects.count() == 10

    pools = [key for key in connections["replica"]._connection_pools if key.startswith("replica")]
    assert sorted(pools) == sorted(f"replica → {name_of(node)}" for node in pooled.replicas)


@needs_pool
def test_connections_go_back_to_their_pool(pooled):
    for _ in range(40):
        Product.objects.count()
        connections["replica"].close()

    for pool in connections["replica"]._connection_pools.values():
        assert pool.get_stats()["connections_num"] <= 2


@needs_pool
@pytest.mark.parametrize("fault", FAULTS)
def test_a_pool_survives_its_node(pooled, fault):
    node = pooled.replicas[0]
    load = Load(read_anew, SHORT, getattr(node, fault), pooled.mend)

    outcome = load.from_both()

    assert outcome.errors == []


@contextmanager
def pgbouncer(shop: Shop, directory: Path) -> Iterator[list[int]]:
    """PgBouncer in transaction mode before each server: primary first; yields the ports."""
    claims = [claim_port() for _ in shop.cluster.nodes]
    account = supervisor().account
    program = devstack_pgbouncer(account, directory)
    started = []
    for claim, node in zip(claims, shop.cluster.nodes, strict=True):
        users = directory / f"users-{node.port}.txt"
        users.write_text(f'"{node.user}" ""\n')
        config = directory / f"pgbouncer-{node.port}.ini"
        config.write_text(
            f"[databases]\n* = host={node.host} port={node.port}\n[pgbouncer]\n"
            f"listen_addr = 127.0.0.1\nlisten_port = {claim.port}\nauth_type = trust\n"
            f"auth_file = {users}\npool_mode = transaction\nmax_client_conn = 200\n"
            f"default_pool_size = 4\nunix_socket_dir =\nserver_login_retry = 0\n"
            f"server_connect_timeout = 2\nlogfile = {directory}/{node.port}.log\n"
        )
        for path in (directory, users, config):
            account.own(path)
        claim.release()
        started.append(
            subprocess.Popen(
                [program.executable, "-q", str(config)],
                env=program.environment(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                **account.popen_options(),
            )
        )
    try:
        yield [claim.port for claim in claims]
    finally:
        for process in started:
            process.kill()
            process.wait()


@pytest.fixture
def behind_pgbouncer(shop, tmp_path_factory, dbrouting_settings) -> Iterator[Shop]:
    """Both aliases behind PgBouncer in transaction mode."""
    shop.stock_up(10)
    directory = supervisor().make_directory("pgbouncer")
    replica, default = connections.settings["replica"], connections.settings["default"]
    with pgbouncer(shop, directory) as ports:
        forget_everything()
        default.update(PORT=str(ports[0]), OPTIONS={}, DISABLE_SERVER_SIDE_CURSORS=True)
        replica.update(
            REPLICAS=[f"127.0.0.1:{port}" for port in ports[1:]], DISABLE_SERVER_SIDE_CURSORS=True
        )
        dbrouting_settings(POOLER=True)
        wait_for_ports(ports)
        yield shop
        forget_everything()
    default.update(OPTIONS={"target_session_attrs": "read-write"})
    for alias in (default, replica):
        alias["DISABLE_SERVER_SIDE_CURSORS"] = False
    supervisor().discard(directory)
    point_at(shop.cluster)


def wait_for_ports(ports: list[int]) -> None:
    for port in ports:
        deadline = time.monotonic() + 10
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                assert time.monotonic() < deadline
                time.sleep(0.02)


def test_reads_and_writes_through_pgbouncer(behind_pgbouncer):
    assert Product.objects.count() == 10
    assert len(list(Product.objects.iterator(chunk_size=3))) == 10
    with dbrouting.unit_of_work():
        Product.objects.update(stock=4)
        token = dbrouting.pin_token()

    with dbrouting.unit_of_work(token):
        assert Product.objects.first().stock == 4


@pytest.mark.parametrize("fault", FAULTS)
def test_a_server_behind_pgbouncer_fails(behind_pgbouncer, fault):
    shop = behind_pgbouncer
    load = Load(read, SHORT, getattr(shop.replicas[0], fault), shop.mend)

    outcome = load.from_both()

    assert outcome.errors == []


def test_own_writes_are_read_through_pgbouncer_with_replay_paused(behind_pgbouncer):
    behind_pgbouncer.replicas[0].pause_replay()
    missed = []

    def visitor() -> None:
        for number in range(50):
            with dbrouting.unit_of_work():
                Product.objects.update(stock=number)
                token = dbrouting.pin_token()
            with dbrouting.unit_of_work(token):
                missed.append(Product.objects.first().stock != number)
        connections.close_all()

    thread = threading.Thread(target=visitor)
    thread.start()
    thread.join()

    assert len(missed) == 50
    assert not any(missed)
