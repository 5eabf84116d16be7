"""The cluster replicates, and every lever does to it what it says."""

import socket
from collections.abc import Callable

import pytest

from devstack import PostgresCluster, PostgresNode, ServerFailed
from devstack.postgresql.programs import find_postgres
from devstack.pytest_plugin import PostgresDatabase

ClusterFactory = Callable[..., PostgresCluster]


def is_refused(node: PostgresNode) -> bool:
    try:
        socket.create_connection((node.host, node.port), timeout=5).close()
    except ConnectionRefusedError:
        return True
    return False


def answers(node: PostgresNode, seconds: float) -> bool:
    """Whether the server says anything to an SSLRequest (protocol: 'Message Formats')."""
    with socket.create_connection((node.host, node.port), timeout=seconds) as connection:
        connection.sendall(b"\x00\x00\x00\x08\x04\xd2\x16\x2f")
        try:
            return connection.recv(1) == b"N"
        except TimeoutError:
            return False


def test_rows_reach_both_replicas(postgres_database: PostgresDatabase) -> None:
    cluster, name = postgres_database.cluster, postgres_database.name
    cluster.primary.query("CREATE TABLE shoe (size int, note text)", name)
    cluster.primary.query("INSERT INTO shoe VALUES (42, 'it''s\nred'), (43, '')", name)
    cluster.wait_until_replayed()

    expected = [["42", "it's\nred"], ["43", ""]]
    assert [replica.query("TABLE shoe", name) for replica in cluster.replicas] == [expected] * 2


def test_replicas_refuse_writes(postgres_cluster: PostgresCluster) -> None:
    for replica in postgres_cluster.replicas:
        assert not replica.is_primary
        with pytest.raises(ServerFailed, match="read-only transaction"):
            replica.query("CREATE TABLE nope ()")


def test_a_query_without_rows_and_a_wrong_one(postgres_cluster: PostgresCluster) -> None:
    assert postgres_cluster.primary.query("SELECT 1 WHERE false") == []
    with pytest.raises(ServerFailed, match="no row"):
        postgres_cluster.primary.query_value("SELECT 1 WHERE false")
    with pytest.raises(ServerFailed, match='relation "nowhere" does not exist'):
        postgres_cluster.primary.query("TABLE nowhere")


def test_paused_replay_lags_until_resumed(postgres_cluster_factory: ClusterFactory) -> None:
    cluster = postgres_cluster_factory(replicas=1)
    [replica] = cluster.replicas
    replica.pause_replay()
    cluster.primary.query("CREATE TABLE late ()")
    with pytest.raises(ServerFailed, match="had not replayed"):
        cluster.wait_until_replayed(timeout=0.5)
    assert replica.query_value("SELECT to_regclass('late') IS NULL") == "t"

    replica.resume_replay()
    cluster.wait_until_replayed()
    assert replica.query_value("SELECT to_regclass('late') IS NULL") == "f"


@pytest.mark.parametrize("mode", ["smart", "fast", "immediate"])
def test_a_stopped_node_refuses_and_comes_back_at_its_address(
    postgres_cluster_factory: ClusterFactory, mode: str
) -> None:
    node = postgres_cluster_factory(replicas=0).primary
    node.query("CREATE TABLE kept ()")
    port = node.port
    node.stop(mode)  # type: ignore[arg-type]
    assert not node.is_running
    assert is_refused(node)

    node.start()
    assert (node.port, node.query("TABLE kept")) == (port, [])


def test_a_killed_primary_recovers_and_its_replica_reconnects(
    postgres_cluster_factory: ClusterFactory,
) -> None:
    cluster = postgres_cluster_factory(replicas=1)
    cluster.primary.query("CREATE TABLE before ()")
    cluster.primary.kill()
    assert is_refused(cluster.primary)
    assert cluster.replicas[0].query_value("SELECT 1") == "1"

    cluster.primary.start()
    cluster.primary.query("CREATE TABLE after ()")
    cluster.wait_until_replayed()
    assert cluster.replicas[0].query("TABLE before") == cluster.replicas[0].query("TABLE after")


def test_a_frozen_node_accepts_but_never_answers_until_thawed(
    postgres_cluster_factory: ClusterFactory,
) -> None:
    node = postgres_cluster_factory(replicas=0).primary
    assert answers(node, seconds=30)
    node.sigstop()
    assert node.is_running
    assert not answers(node, seconds=0.3)

    node.sigcont()
    assert answers(node, seconds=30)


def test_a_frozen_node_can_be_stopped_and_killed(postgres_cluster_factory: ClusterFactory) -> None:
    node = postgres_cluster_factory(replicas=0).primary
    node.sigstop()
    node.stop()
    assert not node.is_running

    node.start()
    node.sigstop()
    node.kill()
    assert not node.is_running


def test_promotion_and_the_other_replica_following(fresh_postgres_cluster: PostgresCluster) -> None:
    first, second = fresh_postgres_cluster.replicas
    fresh_postgres_cluster.primary.kill()
    first.promote()
    assert first.is_primary

    second.follow(first)
    first.query("CREATE TABLE new_era ()")
    second.wait_until_replayed(first.current_lsn())
    assert second.query("TABLE new_era") == []


def test_a_node_says_in_one_line_how_it_is(postgres_cluster_factory: ClusterFactory) -> None:
    node = postgres_cluster_factory(replicas=0).primary
    address = f"<PostgresNode primary {node.programs.version} 127.0.0.1:{node.port}"
    assert repr(node) == f"{address} running>"
    node.sigstop()
    assert repr(node) == f"{address} frozen>"
    node.kill()
    assert repr(node) == f"{address} down>"
    with pytest.raises(ServerFailed, match="not running: start it first"):
        node.sigstop()


def test_two_clusters_stand_side_by_side(postgres_cluster_factory: ClusterFactory) -> None:
    one = postgres_cluster_factory(replicas=0).primary
    other = postgres_cluster_factory(replicas=0).primary
    one.query("CREATE TABLE only_here ()")
    assert other.query_value("SELECT to_regclass('only_here') IS NULL") == "t"


def test_settings_overrule_and_a_wrong_one_says_why(
    postgres_cluster_factory: ClusterFactory,
) -> None:
    cluster = postgres_cluster_factory(replicas=0, settings={"autovacuum": "on"})
    assert cluster.primary.query_value("SHOW autovacuum") == "on"
    with pytest.raises(ServerFailed, match='unrecognized configuration parameter "no_such"'):
        postgres_cluster_factory(replicas=0, settings={"no_such": "1"})


@pytest.mark.full
@pytest.mark.parametrize("version", [16, 18])
def test_every_version_of_the_wheel_replicates(
    postgres_cluster_factory: ClusterFactory, version: int
) -> None:
    cluster = postgres_cluster_factory(replicas=2, version=version)
    assert cluster.primary.query_value("SHOW server_version").startswith(str(version))
    cluster.primary.query("CREATE TABLE here ()")
    cluster.wait_until_replayed()
    cluster.replicas[0].promote()
    assert cluster.replicas[0].is_primary


@pytest.mark.parametrize("version", [16, 18])
def test_the_wheel_has_both_versions(version: int) -> None:
    assert find_postgres(version).major == version
