"""A contestant that runs: its own servers and the process that is measured."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import devstack

from ..scenario import Contestant, Unavailable
from .peers import PEERS

_ROOT = Path(__file__).parents[2]


@dataclass
class Running:
    """Servers and process of one contestant."""

    cluster: devstack.PostgresCluster
    process: subprocess.Popen[str]

    def send(self, **command: Any) -> None:
        """Begin a command."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(command) + "\n")
        self.process.stdin.flush()

    def answer(self) -> dict[str, Any]:
        """Its result. Raises RuntimeError if the process ended instead."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"the measured process ended with status {self.process.wait()}")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def ask(self, **command: Any) -> dict[str, Any]:
        """Do a command and wait for its result."""
        self.send(**command)
        return self.answer()


RUNNING: dict[str, Running] = {}
"""By target, for `measure` and `check`, which are given only that."""


def contestants(replicas: int = 2) -> tuple[Contestant, ...]:
    """All peers, each on servers of its own."""
    return tuple(
        Contestant(name, what, partial(_start, name, replicas)) for name, (_, what) in PEERS.items()
    )


def _start(name: str, replicas: int) -> AbstractContextManager[str]:
    return start(name, replicas)


@contextmanager
def start(name: str, replicas: int = 2) -> Iterator[str]:
    """Run the contestant; yields its target. Raises Unavailable."""
    if name == "django-multidb-router" and find_spec("multidb") is None:
        raise Unavailable("pip install django-multidb-router")
    with devstack.postgres(replicas=replicas) as cluster:
        _create_shop(cluster)
        process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.replicas.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=_ROOT,
        )
        running = Running(cluster, process)
        target = f"replicas:{name}:{cluster.primary.port}"
        RUNNING[target] = running
        try:
            running.send(peer=name, addresses=_addresses(cluster))
            running.answer()
            yield target
        finally:
            del RUNNING[target]
            process.kill()
            process.wait()


def _create_shop(cluster: devstack.PostgresCluster) -> None:
    cluster.primary.query("CREATE DATABASE shop")
    cluster.primary.query(
        "CREATE TABLE replicas_product (id bigserial PRIMARY KEY, name varchar(50), stock int)",
        "shop",
    )
    cluster.primary.query(
        "INSERT INTO replicas_product (name, stock)"
        " SELECT 'product ' || n, n FROM generate_series(0, 9) n",
        "shop",
    )
    cluster.wait_until_replayed()


def _addresses(cluster: devstack.PostgresCluster) -> dict[str, Any]:
    return {
        "primary": [cluster.primary.host, cluster.primary.port],
        "replicas": [[node.host, node.port] for node in cluster.replicas],
        "user": cluster.primary.user,
        "name": "shop",
    }


def check_reads_replicas(name: str, target: str) -> None:
    """Refuse a contestant whose reads do not reach a replica: it would measure something else."""
    running = RUNNING[target]
    running.ask(do="load", seconds=0.3, threads=1)
    reads = "SELECT coalesce(sum(idx_scan + seq_scan), 0) FROM pg_stat_user_tables"
    for node in running.cluster.replicas:
        if int(node.query_value(reads, "shop")) > 0:
            return
    raise RuntimeError(f"{name}: no read has reached a replica")
