"""A pytest plugin for other suites: their storefront reads from replicas, which keep dying.

pytest tests/end_to_end -p tests.dbrouting.dying_replicas
"""

import os
import threading
from collections.abc import Iterator

import pytest

from devstack import PostgresCluster

PAUSE = 1.5


@pytest.fixture(scope="session", autouse=True)
def dying_replicas(postgres_cluster: PostgresCluster) -> Iterator[None]:
    """By turns each replica is killed, stopped, frozen or left behind, and brought back."""
    os.environ["STOREFRONT_REPLICAS"] = ",".join(
        f"{node.host}:{node.port}" for node in postgres_cluster.replicas
    )
    ended = threading.Event()
    thread = threading.Thread(target=_torment, args=(postgres_cluster, ended))
    thread.start()
    yield
    ended.set()
    thread.join()
    del os.environ["STOREFRONT_REPLICAS"]


def _torment(cluster: PostgresCluster, ended: threading.Event) -> None:
    turn = 0
    while not ended.wait(PAUSE):
        node = cluster.replicas[turn % len(cluster.replicas)]
        break_it, mend_it = [
            (node.kill, node.start),
            (node.stop, node.start),
            (node.sigstop, node.sigcont),
            (node.pause_replay, node.resume_replay),
        ][turn // len(cluster.replicas) % 4]
        break_it()
        ended.wait(PAUSE)
        mend_it()
        turn += 1
